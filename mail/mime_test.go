package mail_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	rekeymail "github.com/rekeyhq/rekey/mail"
)

// A mail program shows the text of the templates: links of any length survive.
func TestMIMERoundTrip(t *testing.T) {
	t.Parallel()
	for name, m := range mails(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m.Text += "https://example.com/?a=b&c=" + strings.Repeat("x=20", 400) + "\n.\n..two dots\nGrüße\n"
			raw := delivered(t, m)
			for line := range strings.SplitSeq(raw, "\r\n") {
				if len(line) > 78 { // RFC 5322 section 2.1.1
					t.Errorf("a line of %d bytes: %s", len(line), line)
				}
			}
			header, parts := read(t, raw)
			if header.Get("Message-ID") != "<"+m.ID+">" || header.Get("Subject") != m.Subject {
				t.Errorf("got Message-ID %s, subject %s", header.Get("Message-ID"), header.Get("Subject"))
			}
			want := []part{{"text/plain", m.Text}, {"text/html", m.HTML}} // the best last: RFC 2046 section 5.1.4
			if diff := cmp.Diff(want, parts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// security 21: automatic, to one recipient, and no mail service rewrites its links.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, m := range mails(t) {
		header, _ := read(t, delivered(t, m))
		for name, want := range map[string]string{
			"From": `"Acme" <no-reply@example.com>`, "To": "<owner@example.net>", "Cc": "", "Bcc": "",
			"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
			"X-Mailgun-Track": "no", "X-Mc-Track": "none", "X-Mailjet-Trackclick": "0", "X-Pm-Tracklinks": "None",
			"X-Msys-Api":       `{"options": {"click_tracking": false, "open_tracking": false}}`,
			"X-Smtpapi":        `{"filters": {"clicktrack": {"settings": {"enable": 0}}, "opentrack": {"settings": {"enable": 0}}}}`,
			"List-Unsubscribe": "", "Precedence": "", "User-Agent": "", "X-Mailer": "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	}
}

// security 21: no text of a mail becomes a header or a recipient.
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	m := hello
	m.Subject = "Hello\r\nBcc: thief@example.org\r\n\r\nbody"
	m.ID = "1@example.com>\r\nCc: <thief@example.org"
	header, _ := read(t, delivered(t, m))
	if header.Get("Bcc") != "" || header.Get("Cc") != "" {
		t.Errorf("got headers %v", header)
	}
}

// security 21: a mail goes to exactly one address or is refused.
func TestRecipients(t *testing.T) {
	t.Parallel()
	srv, config := serve(t, script{})
	s, err := rekeymail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{
		"", "owner", "owner@example.net, thief@example.org", "owner@example.net\r\nBcc: thief@example.org",
		"owner@example.net\r\nRCPT TO:<thief@example.org>", "Owner <owner@example.net>", "<owner@example.net>",
		"owner@example.net (home)", " owner@example.net", "owner@ex\u00e4mple.net",
		"owner@example.net>", "owner@example.net> NOTIFY=NEVER", "owner,thief@example.net", "owner thief@example.net", "owner@thief@example.net",
		"ow\u0131er@example.net\r\nBcc: thief@example.org", "owner\x00@example.net", "owner\u2028@example.net", "owner\xff@example.net", "owner@", "@example.net",
		`"owner"`, `"Owner" <owner@example.net>`, `"" <owner@example.net>`, `"owner"@example.net, "thief"@example.org`, "\"owner\r\nBcc: thief\"@example.net",
		`"own"er"@example.net`, `"owner\"@example.net`, `"owner"@example.net (home)`, `"owner@example.net`,
	} {
		m := hello
		m.To = to
		want := &rekeymail.Error{Outcome: rekeymail.Refused, Step: "address"}
		if diff := cmp.Diff(want, fails(t, s.Send(t.Context(), m))); diff != "" {
			t.Errorf("%q: %s", to, diff)
		}
	}
	if len(srv.to) != 0 {
		t.Errorf("a mail went to %s", <-srv.to)
	}
}

type part struct{ Type, Body string }

// read takes a mail apart as a mail program does.
func read(t *testing.T, raw string) (mail.Header, []part) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("got %s, %v", kind, err)
	}
	var parts []part
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart() // undoes quoted-printable
		if errors.Is(err, io.EOF) {
			return m.Header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		parts = append(parts, part{kind, strings.ReplaceAll(string(body), "\r\n", "\n")})
	}
}
