package cli

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/rekeyhq/rekey/internal/testkit/fakedns"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
)

// mailbox is a mail server on loopback that takes or refuses mails.
type mailbox struct {
	refuse bool
	mails  chan string
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return m, nil }
func (m *mailbox) Mail(string, *smtp.MailOptions) error        { return nil }
func (m *mailbox) Reset()                                      {}
func (m *mailbox) Logout() error                               { return nil }

func (m *mailbox) Rcpt(string, *smtp.RcptOptions) error {
	if m.refuse {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	return nil
}

func (m *mailbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m.mails <- string(text)
	return err
}

// receive starts it and returns its port.
func (m *mailbox) receive(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.mails = make(chan string, 1)
	server := smtp.NewServer(m)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

func recordsOf(spf, dmarc string) fakedns.Zone {
	zone := fakedns.Zone{"example.com": {MX: []string{"mx.example.com."}}}
	for name, text := range map[string]string{"example.com": spf, "_dmarc.example.com": dmarc} {
		if text != "" {
			zone[name] = fakedns.Records{TXT: []string{text}, MX: zone[name].MX}
		}
	}
	return zone
}

// The exit status tells a sender that lacks something from a check that could not be made.
func TestCheckMail(t *testing.T) {
	t.Parallel()
	const spf, dmarc = "v=spf1 include:spf.example.net ~all", "v=DMARC1; p=none"
	away := recordsOf(spf, dmarc)
	away["_dmarc.example.com"] = fakedns.Records{Fails: true}
	for name, tc := range map[string]struct {
		box    *mailbox // nil for none
		zone   fakedns.Zone
		status int
		want   []string
	}{
		"okay": {&mailbox{}, recordsOf(spf, dmarc), 0, []string{
			"C: EHLO accounts.example.com\n", "C: RCPT TO:<ann@example.org>", "mail   okay", "SPF    okay", "DMARC  okay", "DKIM   not known", "PTR    not known",
		}},
		"no DMARC":        {&mailbox{}, recordsOf(spf, ""), 3, []string{"mail   okay", "DMARC  MISSING"}},
		"refused":         {&mailbox{refuse: true}, recordsOf(spf, dmarc), 3, []string{"S: 550 5.1.1 no such user", "mail   MISSING"}},
		"a lookup failed": {&mailbox{}, away, 1, []string{"mail   okay", "DMARC  not known"}},
		"no mail server":  {nil, recordsOf(spf, dmarc), 1, []string{"mail   not known  mail deferred at connect", "SPF    okay"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := checkMailCmd{To: "ann@example.org", resolver: fakedns.Resolver(t, tc.zone)}
			c.BaseURL, c.From, c.Host, c.Security, c.Product = "https://accounts.example.com", "no-reply@example.com", "127.0.0.1", "none", "Harbor"
			if c.Port = 1; tc.box != nil {
				c.Port = tc.box.receive(t)
			}
			var out bytes.Buffer
			err := c.check()
			if err == nil {
				err = c.Run(&process{ctx: t.Context(), stdout: &out})
			}
			if got := exitOf(err); got != tc.status {
				t.Errorf("status %d, %v", got, err)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, &out)
				}
			}
			if tc.box != nil && !tc.box.refuse && !strings.Contains(<-tc.box.mails, "Subject: Test mail of Harbor") {
				t.Error("another mail arrived")
			}
		})
	}
}

// A mail by URL is checked too. Its secret proves itself there.
func TestCheckMailByURL(t *testing.T) {
	t.Parallel()
	for code, status := range map[int]int{204: 0, 401: 1} {
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(app.Close)
		c := checkMailCmd{To: "ann@example.org", resolver: fakedns.Resolver(t, recordsOf("v=spf1 -all", "v=DMARC1; p=reject"))}
		c.BaseURL, c.From, c.Product = "https://accounts.example.com", "no-reply@example.com", "Harbor"
		c.MailURL, c.MailSecret = app.URL+"/mails", secretFile(t, hostapp.Secret(hostapp.Key))
		var out bytes.Buffer
		err := c.check()
		if err == nil {
			err = c.Run(&process{ctx: t.Context(), stdout: &out})
		}
		if exitOf(err) != status || !strings.Contains(out.String(), "TLS    not known") {
			t.Errorf("%d: %v\n%s", code, err, &out)
		}
	}
}

// exitOf is the exit status of an error.
func exitOf(err error) int {
	if err == nil {
		return 0
	}
	return status(err)
}

// Wrong settings are named.
func TestCheckMailSettings(t *testing.T) {
	t.Parallel()
	args := func(more ...string) []string {
		return append([]string{
			"check-mail", "--base-url=https://accounts.example.com", "--product=Harbor", "--support=help@example.com",
			"--from=no-reply@example.com", "--smtp-host=127.0.0.1", "--smtp-security=none",
		}, more...)
	}
	wrong(t, args(), "set --to ($REKEY_CHECK_TO)")
	wrong(t, args("--to=ann"), "--to ($REKEY_CHECK_TO): want one mail address")
	wrong(t, args("--to=ann@example.org", "--smtp-host=mail.example.com"), "--smtp-security ($REKEY_SMTP_SECURITY): none is for loopback only")
}
