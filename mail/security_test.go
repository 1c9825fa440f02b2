package mail_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

// security 21: a link travels encrypted to a mail server that proved its identity.
func TestSendEncrypted(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]script{
		"starttls":            {starttls: true},
		"starttls with login": {starttls: true, auth: true},
		"tls":                 {tls: true},
		"tls with login":      {tls: true, auth: true},
		"loopback with login": {auth: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, config := serve(t, s)
			if err := send(t.Context(), t, config); err != nil {
				t.Fatal(err)
			}
			if len(srv.mails) != 1 {
				t.Errorf("%d mails arrived, want 1", len(srv.mails))
			}
		})
	}
}

const untrusted = "the certificate of the mail server is not trusted"

// security 21: no mail goes out over a connection that is not as configured. An operator can
// mend each fault, so the mail is deferred, and its connection is closed.
func TestSendDistrusts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script script
		spoil  func(*mail.Config)
		want   mail.Error
	}{
		"no starttls offered":       {script{}, func(c *mail.Config) { c.Security = mail.SecuritySTARTTLS }, mail.Error{Step: "tls", Cause: "the mail server offers no encryption"}},
		"plain where tls is due":    {script{}, func(c *mail.Config) { c.Security = mail.SecurityTLS }, mail.Error{Step: "tls"}},
		"unknown authority":         {script{starttls: true}, func(c *mail.Config) { c.Roots = x509.NewCertPool() }, mail.Error{Step: "tls", Cause: untrusted}},
		"unknown authority, tls":    {script{tls: true}, func(c *mail.Config) { c.Roots = x509.NewCertPool() }, mail.Error{Step: "tls", Cause: untrusted}},
		"certificate of another":    {script{starttls: true}, func(c *mail.Config) { c.Host = "localhost" }, mail.Error{Step: "tls", Cause: untrusted}},
		"certificate of other, tls": {script{tls: true}, func(c *mail.Config) { c.Host = "localhost" }, mail.Error{Step: "tls", Cause: untrusted}},
		"wrong password":            {script{starttls: true, auth: true}, func(c *mail.Config) { c.Password = "guess" }, mail.Error{Step: "login", Code: 535, Enhanced: "5.7.8", Cause: "the mail server refuses the user name or the password"}},
		"no login offered":          {script{starttls: true}, func(c *mail.Config) { c.Username = "owner" }, mail.Error{Step: "login", Cause: "the mail server offers no login"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, config := serve(t, test.script)
			test.spoil(&config)
			test.want.Outcome = mail.Deferred
			if diff := cmp.Diff(&test.want, fails(t, send(t.Context(), t, config))); diff != "" {
				t.Error(diff)
			}
			if len(srv.to) != 0 || len(srv.mails) != 0 {
				t.Error("the mail server learned of the mail")
			}
		})
	}
}

// A connection that comes to nothing is closed and not left to the garbage collector.
func TestSendHangsUp(t *testing.T) {
	t.Parallel()
	srv, config := serve(t, script{})
	config.Security = mail.SecuritySTARTTLS
	if err := send(t.Context(), t, config); err == nil {
		t.Fatal("sent without STARTTLS")
	}
	select {
	case <-srv.gone:
	case <-time.After(10 * time.Second):
		t.Error("the connection is still open")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	srv, config := serve(t, script{starttls: true, auth: true})
	if err := check(t, config); err != nil {
		t.Error(err)
	}
	config.Password = "guess"
	want := "mail deferred at login, the mail server refuses the user name or the password, reply code 535 5.7.8"
	if diff := cmp.Diff(want, check(t, config).Error()); diff != "" {
		t.Error(diff)
	}
	if len(srv.to) != 0 {
		t.Error("a check sent a mail")
	}
}

func check(t *testing.T, c mail.Config) error {
	t.Helper()
	s, err := mail.NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Check(t.Context())
}

// security 21: only loopback may be spoken to in clear.
func TestNewSMTP(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*mail.Config)
		good  bool
	}{
		"starttls":             {func(*mail.Config) {}, true},
		"tls":                  {func(c *mail.Config) { c.Security = mail.SecurityTLS }, true},
		"clear":                {func(c *mail.Config) { c.Security = mail.SecurityNone }, false},
		"clear to a private":   {func(c *mail.Config) { c.Security, c.Host = mail.SecurityNone, "10.0.0.1" }, false},
		"clear to a disguised": {func(c *mail.Config) { c.Security, c.Host = mail.SecurityNone, "127.0.0.1.example.com" }, false},
		"clear to 127.0.0.1":   {func(c *mail.Config) { c.Security, c.Host = mail.SecurityNone, "127.0.0.1" }, true},
		"clear to ::1":         {func(c *mail.Config) { c.Security, c.Host = mail.SecurityNone, "::1" }, true},
		"clear to localhost":   {func(c *mail.Config) { c.Security, c.Host = mail.SecurityNone, "localhost" }, true},
		"no security":          {func(c *mail.Config) { c.Security = "" }, false},
		"unknown security":     {func(c *mail.Config) { c.Security = "opportunistic" }, false},
		"no host":              {func(c *mail.Config) { c.Host = "" }, false},
		"no port":              {func(c *mail.Config) { c.Port = 0 }, false},
		"port too high":        {func(c *mail.Config) { c.Port = 65536 }, false},
		"negative timeout":     {func(c *mail.Config) { c.Timeout = -1 }, false},
		"no sender":            {func(c *mail.Config) { c.From = "" }, false},
		"two senders":          {func(c *mail.Config) { c.From = "a@example.com, b@example.com" }, false},
		"sender in Unicode":    {func(c *mail.Config) { c.From = "jürgen@example.com" }, false},
		"domain in Unicode":    {func(c *mail.Config) { c.From = "no-reply@bücher.example" }, true},
		"domain of nobody":     {func(c *mail.Config) { c.From = "no-reply@\u0301.example" }, false},
		"name to greet with":   {func(c *mail.Config) { c.Hello = "accounts.example.com" }, true},
		"address to greet":     {func(c *mail.Config) { c.Hello = "192.0.2.7" }, true},
		"command in the name":  {func(c *mail.Config) { c.Hello = "a.example\r\nMAIL FROM:<thief@example.org>" }, false},
		"two words":            {func(c *mail.Config) { c.Hello = "a.example b.example" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mail.Config{Host: "mail.example.com", Port: 587, Security: mail.SecuritySTARTTLS, From: "Acme <no-reply@example.com>"}
			test.spoil(&c)
			if _, err := mail.NewSMTP(c); (err == nil) != test.good {
				t.Errorf("got %v, want good %v", err, test.good)
			}
		})
	}
}
