package mail_test

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/mail"
)

func invited(t *testing.T, inviter string) mail.Message {
	t.Helper()
	m, err := load(t, "").Invitation("owner@example.net", "1@example.com", mail.Invitation{URL: inviteURL, CancelURL: declineURL, Life: time.Hour, Inviter: inviter})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func forced(t *testing.T, reason string) mail.Message {
	t.Helper()
	m, err := load(t, "").Forced("owner@example.net", "1@example.com", mail.Forced{URL: renewURL, Life: time.Hour, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A name may be that of any person. A text that a mail program shows as a link is none: it would be
// a stranger's link in a mail of the product.
func TestInviter(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", " \t\r\n": "", "Ann": "Ann", "Ann O'Neill & Sons": "Ann O'Neill & Sons", "J. R. R. Tolkien": "J. R. R. Tolkien", "J.R.R. Tolkien": "J.R.R. Tolkien",
		"Dr. Müller-Lüdenscheidt": "Dr. Müller-Lüdenscheidt", "ann@example.com": "ann@example.com", "Ann (ann@mail.example.com)": "Ann (ann@mail.example.com)",
		"Ann\r\nBcc: thief@example.org": "", "Ann\r\nQuestions? 555 123": "Ann Questions? 555 123", "Ann\u202e\u2066\u200b\x00\x1b[1m": "Ann[1m", "\xffAnn": "\ufffdAnn",
		"https://evil.example": "", "Ann evil.example": "", "evil.example/win": "", "Ann at x.co": "", "//evil": "", "a@evil.example/x.html": "", "(evil.example)": "",
		"evil。example": "", "evil．example": "", "javascript:alert(1)": "", `\\evil\share`: "", "Win at www.evil.example now": "",
		strings.Repeat("ü", 64): strings.Repeat("ü", 64), strings.Repeat("ü", 65): strings.Repeat("ü", 63) + "…", strings.Repeat("ab ", 50000): strings.Repeat("ab ", 21)[:62] + "…",
	} {
		m := invited(t, name)
		_, told, found := strings.Cut(m.Text, "\nInvited by: ")
		told, _, _ = strings.Cut(told, "\n")
		if told != want || found != (want != "") {
			t.Errorf("%.80q: text has %q, want %q", name, told, want)
		}
		_, told, found = strings.Cut(m.HTML, "Invited by: ")
		told, _, _ = strings.Cut(told, "</p>")
		if html.UnescapeString(told) != want || found != (want != "") {
			t.Errorf("%.80q: HTML has %q, want %q", name, told, want)
		}
		if m.Subject != "You were invited to Acme" {
			t.Errorf("%.80q: subject %q", name, m.Subject)
		}
	}
}

// A reason is a paragraph of its own, as long as it may be, and nothing else.
func TestReason(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word and ", 60)
	for reason, want := range map[string]string{
		"": "", "See https://status.example.com/2026 & wait.": "See https://status.example.com/2026 & wait.", "one\n\ntwo\r\n three": "one two three",
		"</p><script>alert(1)</script>": "</p><script>alert(1)</script>", "a\u202eb\u2028c": "ab c", long: strings.TrimSpace(long[:499]) + "…",
		strings.Repeat("x", 501): strings.Repeat("x", 499) + "…",
	} {
		m := forced(t, reason)
		for kind, body := range map[string]string{"text": m.Text, "html": html.UnescapeString(m.HTML)} {
			if want == "" == strings.Contains(body, "reason:") || !strings.Contains(strings.Join(strings.Fields(body), " "), want) {
				t.Errorf("%s of %.60q:\n%s", kind, reason, body)
			}
		}
		if strings.Contains(m.HTML, "<script") {
			t.Errorf("%q runs:\n%s", reason, m.HTML)
		}
		if !strings.HasPrefix(reason, "xxx") {
			wraps(t, reason, m.Text)
		}
	}
}

// security 21: no text of others begins a header or ends the mail, and no line is too long for a
// mail server (RFC 5321 section 4.5.3.1.6).
func TestForeignTextsAreContent(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]mail.Message{
		"inviter": invited(t, "Ann\r\nBcc thief@example.org\r\n.\r\nQUIT"),
		"reason":  forced(t, "Ann\r\nBcc: thief@example.org\r\n\r\n.\r\nQUIT\r\n"+strings.Repeat("x", 400)),
	} {
		raw := delivered(t, m)
		header, body, _ := strings.Cut(raw, "\r\n\r\n")
		if strings.Contains(header, "Bcc") || !strings.Contains(body, "thief") || !strings.HasSuffix(strings.TrimSpace(body), "--") {
			t.Errorf("%s: the mail has another header or end:\n%s", name, raw)
		}
		for line := range strings.Lines(raw) {
			if len(line) > 80 {
				t.Errorf("%s: %d bytes: %s", name, len(line), line)
			}
		}
	}
}

// The mail that reminds says so, and does not look like a second invitation.
func TestReminder(t *testing.T) {
	t.Parallel()
	all := mails(t)
	for name, reminds := range map[string]bool{"invitation": false, "reminder": true} {
		m := all[name]
		for part, text := range map[string]string{"subject": m.Subject, "text": m.Text, "html": m.HTML} {
			if strings.Contains(strings.ToLower(text), "reminder") != reminds {
				t.Errorf("%s, %s: %s", name, part, text)
			}
		}
	}
}

// A file replaces a built-in part of each mail, a whole document as well as a body.
func TestNewMailsAreReplaced(t *testing.T) {
	t.Parallel()
	templates := load(t, folder(t, map[string]string{
		"forced.html":            "<!doctype html><title>{{.Product}}</title><p>{{.Reason}} {{.URL}}",
		"invitation.subject.txt": "Join {{.Product}}",
		"layout.html":            `{{define "top"}}<title>{{template "title" .}}</title><p>ACME{{end}}{{define "bottom"}}</p>{{end}}`,
	}))
	f, err := templates.Forced("owner@example.net", "1@example.com", mail.Forced{URL: "https://example.com/x", Reason: "why"})
	if err != nil || f.HTML != "<!doctype html><title>Acme</title><p>why https://example.com/x" {
		t.Errorf("%v: %s", err, f.HTML)
	}
	i, err := templates.Invitation("owner@example.net", "1@example.com", mail.Invitation{URL: inviteURL, CancelURL: declineURL, Life: time.Hour})
	if err != nil || i.Subject != "Join Acme" || !strings.HasPrefix(i.HTML, "<title>You were invited to Acme</title><p>ACME") || !strings.Contains(i.HTML, inviteURL) {
		t.Errorf("%v: %s\n%s", err, i.Subject, i.HTML)
	}
}
