package mail_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

// security 21: a link travels encrypted to a mail server that proved who it is.
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

// security 21: the mail stays here when the connection is not what was asked for. Each
// fault is ours to mend, so the mail is deferred, and its connection is closed.
func TestSendDistrusts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script script
		spoil  func(*mail.Config)
		code   int
	}{
		"no starttls offered":       {script{}, func(c *mail.Config) { c.Security = mail.SecuritySTARTTLS }, 0},
		"plain where tls is due":    {script{}, func(c *mail.Config) { c.Security = mail.SecurityTLS }, 0},
		"unknown authority":         {script{starttls: true}, func(c *mail.Config) { c.Roots = x509.NewCertPool() }, 0},
		"unknown authority, tls":    {script{tls: true}, func(c *mail.Config) { c.Roots = x509.NewCertPool() }, 0},
		"certificate of another":    {script{starttls: true}, func(c *mail.Config) { c.Host = "localhost" }, 0},
		"certificate of other, tls": {script{tls: true}, func(c *mail.Config) { c.Host = "localhost" }, 0},
		"wrong password":            {script{starttls: true, auth: true}, func(c *mail.Config) { c.Password = "guess" }, 535},
		"no login offered":          {script{starttls: true}, func(c *mail.Config) { c.Username = "owner" }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, config := serve(t, test.script)
			test.spoil(&config)
			want := &mail.Error{Outcome: mail.Deferred, Code: test.code, Step: "connect"}
			if diff := cmp.Diff(want, fails(t, send(t.Context(), t, config))); diff != "" {
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
	if diff := cmp.Diff(&mail.Error{Outcome: mail.Deferred, Code: 535, Step: "connect"}, fails(t, check(t, config))); diff != "" {
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
