package mail_test

import (
	"html"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

// security 9: a mail links to the given URLs, whose base is the configured one, and loads
// nothing from anywhere.
func TestLinks(t *testing.T) {
	t.Parallel()
	urls := regexp.MustCompile(`https?://[^\s"'<>]+`)
	want := map[string][]string{
		"reset":   {cancelURL, resetURL},
		"changed": {brand().ForgotURL, brand().SignInURL},
		"set":     {brand().ForgotURL, brand().SignInURL},

		"invitation": {inviteURL, declineURL}, "reminder": {inviteURL, declineURL},
		"forced": {brand().ForgotURL, renewURL}, "forced-unstated": {brand().ForgotURL, renewURL},
	}
	for name, m := range mails(t) {
		for kind, body := range map[string]string{"text": m.Text, "html": m.HTML} {
			got := slices.Compact(slices.Sorted(slices.Values(urls.FindAllString(body, -1))))
			if diff := cmp.Diff(want[name], got); diff != "" {
				t.Errorf("%s, %s: %s", name, kind, diff)
			}
		}
		for _, remote := range []string{"<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "onload"} {
			if strings.Contains(m.HTML, remote) {
				t.Errorf("%s holds %s", name, remote)
			}
		}
	}
}

// The mail of a reset says from where and when it was requested, in UTC, where that is known.
func TestOriginIsWritten(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	at := time.Date(2026, 11, 29, 15, 5, 40, 0, time.FixedZone("CET", 3600))
	for from, want := range map[string]bool{"203.0.113.7": true, "2001:db8:1234:5678:9abc:def0:1234:5678": true, "": false} {
		m, err := templates.Reset("owner@example.net", "5f1c@example.com",
			mail.Reset{URL: resetURL, CancelURL: cancelURL, Life: time.Hour, From: from, AskedAt: at})
		if err != nil {
			t.Fatal(err)
		}
		tags := regexp.MustCompile(`<[^>]*>`)
		for _, body := range []string{m.Text, tags.ReplaceAllString(m.HTML, "")} {
			body = strings.Join(strings.Fields(body), " ")
			if strings.Contains(body, "Requested from "+from+" on 29 November 2026 at 14:05 UTC.") != want || !want && strings.Contains(body, "2026") {
				t.Errorf("from %q:\n%s", from, body)
			}
		}
	}
}

// A link is also printed, for mail programs without buttons.
func TestLinkIsPrinted(t *testing.T) {
	t.Parallel()
	all := mails(t)
	for name, link := range map[string]string{
		"reset": resetURL, "changed": brand().ForgotURL, "invitation": inviteURL, "reminder": inviteURL, "forced": renewURL, "set": brand().ForgotURL,
	} {
		if !strings.Contains(all[name].HTML, ">"+link+"<") {
			t.Errorf("%s: the button's link is not printed", name)
		}
	}
}

// security 17, 18: the notice has the time and the limits of a new password. It has the next
// step for an owner who did not change the password.
func TestNoticeHelps(t *testing.T) {
	t.Parallel()
	all := mails(t)
	for name, more := range map[string]string{"changed": "API keys", "set": "first password"} {
		for _, body := range []string{all[name].Text, html.UnescapeString(all[name].HTML)} {
			for _, need := range []string{"14 March 2026 at 15:09 UTC", "Wasn't you?", more, brand().ForgotURL, brand().Support} {
				if !strings.Contains(body, need) {
					t.Errorf("%s: no %q in:\n%s", name, need, body)
				}
			}
		}
	}
}

// security 21: a mail holds nothing of the account, so it reads the same for everyone.
func TestNothingOfTheAccount(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	r := mail.Reset{URL: resetURL, CancelURL: cancelURL, Life: time.Hour}
	one, err := templates.Reset("one@example.com", "1@example.com", r)
	if err != nil {
		t.Fatal(err)
	}
	two, err := templates.Reset("win-a-prize-at-example.org@example.com", "2@example.com", r)
	if err != nil {
		t.Fatal(err)
	}
	two.To, two.ID = one.To, one.ID
	if diff := cmp.Diff(one, two); diff != "" {
		t.Error(diff)
	}
}

// Lines fit an 80 column terminal, links aside.
func TestTextWraps(t *testing.T) {
	t.Parallel()
	for name, m := range mails(t) {
		wraps(t, name, m.Text)
	}
}

func wraps(t *testing.T, name, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if len(strings.TrimSpace(line)) > 78 && !strings.HasPrefix(line, "https://") {
			t.Errorf("%s: %d bytes: %s", name, len(line), line)
		}
	}
}

func TestBrandIsEscaped(t *testing.T) {
	t.Parallel()
	b := brand()
	b.Product = "R&D <script>alert(1)</script>"
	templates, err := mail.Load("", b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.Reset("owner@example.net", "1@example.com", mail.Reset{URL: "javascript:alert(1)", CancelURL: cancelURL})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.HTML, "<script>") || strings.Contains(m.HTML, `href="javascript`) {
		t.Error("the HTML can run what it was given:\n" + m.HTML)
	}
	if m.Subject != "Reset your R&D <script>alert(1)</script> password" {
		t.Errorf("got subject %s", m.Subject)
	}
}

func TestLifeInWords(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	for life, want := range map[time.Duration]string{
		30 * time.Minute: "30 minutes", time.Minute: "1 minute", time.Hour: "1 hour", 24 * time.Hour: "24 hours",
		90 * time.Minute: "90 minutes", 90 * time.Second: "90 seconds", time.Second: "1 second",
		72 * time.Hour: "3 days", 7 * 24 * time.Hour: "7 days", 36 * time.Hour: "36 hours", 25 * time.Hour: "25 hours",
		48*time.Hour - time.Second: "47 hours", 2*time.Hour - time.Second: "119 minutes",
	} {
		m, err := templates.Reset("owner@example.net", "1@example.com", mail.Reset{URL: resetURL, CancelURL: cancelURL, Life: life})
		if err != nil || !strings.Contains(m.Text, "works for "+want+" and") {
			t.Errorf("%s: %v in:\n%s", want, err, m.Text)
		}
	}
}

func TestLoadOverrides(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"reset.subject.txt": "{{.Product}}:\r\n your  password\n",
		"..2026_03_14":      "what Kubernetes leaves beside a mounted file",
	})
	m, err := load(t, dir).Reset("owner@example.net", "1@example.com", mail.Reset{URL: resetURL, CancelURL: cancelURL, Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Acme: your password"; m.Subject != want {
		t.Errorf("got subject %q, want %q", m.Subject, want)
	}
	if !strings.Contains(m.Text, "works for 1 hour") {
		t.Error("the text is not the built-in one")
	}
}

// Templates that would fail, or mail nonsense, when they are needed fail at start.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	links := "{{.URL}} {{.CancelURL}}"
	for name, files := range map[string]map[string]string{
		"broken text":            {"reset.txt": links + "{{"},
		"broken HTML":            {"changed.html": "<p>{{.At}"},
		"broken layout":          {"layout.html": `{{define "top"}}`},
		"layout without a part":  {"layout.html": `{{define "top"}}{{.Product}}{{end}}`},
		"no link of invitation":  {"invitation.html": "<p>{{.CancelURL}}"},
		"no way to decline":      {"invitation.txt": "{{.URL}}"},
		"no link of a forced":    {"forced.txt": "{{.Reason}}"},
		"empty subject of set":   {"set.subject.txt": " "},
		"fault of a reminder":    {"invitation.subject.txt": "{{if .Reminder}}{{.Name}}{{end}}You"},
		"fault beside a name":    {"invitation.txt": links + "{{if .Inviter}}{{.Name}}{{end}}"},
		"fault beside a reason":  {"forced.html": "{{.URL}}{{if .Reason}}{{.Name}}{{end}}"},
		"fault without a reason": {"forced.html": "{{.URL}}{{if not .Reason}}{{.Name}}{{end}}"},
		"broken subject":         {"changed.subject.txt": "{{end}}"},
		"HTML in no context":     {"reset.html": `<a href="{{if .Life}}">{{end}}` + links},
		"unknown field":          {"reset.txt": links + "{{.Name}}"},
		"field of another mail":  {"changed.txt": "{{.URL}}"},
		"text without the link":  {"reset.txt": "{{.CancelURL}}"},
		"HTML without the link":  {"reset.html": "<p>{{.CancelURL}}"},
		"no way to call it off":  {"reset.txt": "{{.URL}}"},
		"empty subject":          {"changed.subject.txt": "\n"},
		"misspelled file":        {"reset.htm": links},
		"a folder for a file":    {"reset.txt/reset.txt": links},
		"a second kind of mails": {"welcome.txt": "Welcome"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := mail.Load(folder(t, files), brand()); err == nil {
				t.Errorf("loaded %v", slices.Collect(maps.Keys(files)))
			}
		})
	}
	if _, err := mail.Load(filepath.Join(t.TempDir(), "missing"), brand()); err == nil {
		t.Error("loaded a folder that does not exist")
	}
}

// security 18: the support contact is required.
func TestLoadRequiresBrand(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]func(*mail.Brand){
		"product":     func(b *mail.Brand) { b.Product = "" },
		"support":     func(b *mail.Brand) { b.Support = "" },
		"forgot page": func(b *mail.Brand) { b.ForgotURL = "" },
	} {
		b := brand()
		forget(&b)
		if _, err := mail.Load("", b); err == nil {
			t.Errorf("loaded without the %s", name)
		}
	}
	b := brand()
	b.SignInURL = ""
	if _, err := mail.Load("", b); err != nil {
		t.Error(err)
	}
}

// Every URL in a mail is in ASCII, as a reader of mails and a browser take it. A URL in ASCII
// stays as it was written, and an address for help is no URL.
func TestURLsInMailsAreASCII(t *testing.T) {
	t.Parallel()
	b := brand()
	b.SignInURL = "https://Bücher.example:8443/anmeldung/größe?nächste=ü&a=%20#büro"
	b.ForgotURL = "https://konto.bücher.example/account/forgot-password"
	b.Support = "https://hilfe.bücher.example"
	templates, err := mail.Load("", b)
	if err != nil {
		t.Fatal(err)
	}
	changed, err := templates.Changed("someone@example.com", "id@example.com", mail.Changed{At: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"https://xn--bcher-kva.example:8443/anmeldung/gr%C3%B6%C3%9Fe?n%C3%A4chste=%C3%BC&a=%20#b%C3%BCro",
		"https://konto.xn--bcher-kva.example/account/forgot-password", "https://hilfe.xn--bcher-kva.example",
	} {
		if !strings.Contains(changed.Text, want) || !strings.Contains(changed.HTML, strings.ReplaceAll(want, "&", "&amp;")) {
			t.Errorf("no %s in:\n%s", want, changed.Text)
		}
	}
	for written, want := range map[string]string{
		"hilfe@bücher.example": "", "https://HELP.example.com/%7euser?a=b c": "", "0800 12 34 56": "", "mailto:help@example.com": "", "http://[::1]:3000/": "",
		"http://[::1]:3000/überblick":      "http://[::1]:3000/%C3%BCberblick",
		"https://[2001:db8::1]/hilfe/ä":    "https://[2001:db8::1]/hilfe/%C3%A4",
		"https://[2001:db8::1]/?q=ä":       "https://[2001:db8::1]/?q=%C3%A4",
		"https://192.0.2.1:8443/ä":         "https://192.0.2.1:8443/%C3%A4",
		"https://hilfe@bücher.example/":    "https://hilfe@xn--bcher-kva.example/",
		"mailto:hilfe@bücher.example":      "mailto:hilfe@xn--bcher-kva.example",
		"mailto:größe@bücher.example?b=ä":  "mailto:gr%C3%B6%C3%9Fe@xn--bcher-kva.example?b=%C3%A4",
		"mailto:a@bücher.example,b@ü.test": "mailto:a@xn--bcher-kva.example,b@xn--tda.test",
		"mailto:hilfe%2Cä@example.com":     "mailto:hilfe%2C%C3%A4@example.com",
	} {
		b.Support = written
		if want == "" {
			want = written
		}
		templates, err := mail.Load("", b)
		if err != nil {
			t.Fatal(err)
		}
		if changed, err := templates.Changed("someone@example.com", "id@example.com", mail.Changed{At: time.Unix(0, 0)}); err != nil || !strings.Contains(changed.Text, want) {
			t.Errorf("%s: %v\n%s", written, err, changed.Text)
		}
	}
	b.Support = "mailto:hilfe@b\u200bücher.-example"
	if _, err := mail.Load("", b); err == nil {
		t.Error("an address of a host that nobody can register is taken")
	}
	b.Support, b.SignInURL = "help", "https://b\u200bücher.-example/"
	if _, err := mail.Load("", b); err == nil {
		t.Error("a host that nobody can register is taken")
	}
}

// The right side of a Message-ID is one that RFC 5322 knows, whatever the host of the base URL.
func TestIDDomain(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"accounts.example.com": "accounts.example.com", "accounts.example.com.": "accounts.example.com", "localhost": "localhost", "127.0.0.1": "127.0.0.1",
		"my_host.example.com": "my_host.example.com", "::1": "[IPv6:::1]", "2001:db8::7": "[IPv6:2001:db8::7]", "fe80::1%eth0": "[IPv6:fe80::1]",
		"a,b": "rekey.invalid", "a..b": "rekey.invalid", "": "rekey.invalid", "a>b": "rekey.invalid",
	} {
		if got := mail.IDDomain(host); got != want {
			t.Errorf("%q: %s, want %s", host, got, want)
		}
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
