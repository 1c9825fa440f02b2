package mail

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/rekeyhq/rekey/internal/override"
)

//go:embed templates
var builtIn embed.FS

// Brand is the product in mails. All of it is required but SignInURL: an owner who did not
// change the password must learn the next step. URLs with letters beyond ASCII are mailed in
// ASCII.
type Brand struct {
	Product   string
	Support   string // help for owners: an address or a URL
	ForgotURL string // page for requesting a reset
	SignInURL string // where people sign in
}

// Product is the product's name in mails.
func (t *Templates) Product() string { return t.brand.Product }

// Templates write mails. They are safe for concurrent use.
type Templates struct {
	brand Brand
	mails map[string]parts
}

// parts are the three templates of one mail.
type parts struct {
	subject, text *texttemplate.Template
	html          *htmltemplate.Template
}

// The mails; a template file is named after one, as in reset.subject.txt, reset.txt and
// reset.html. All HTML files may use the parts of layout.html.
const (
	resetMail      = "reset"
	changedMail    = "changed"
	invitationMail = "invitation"
	setMail        = "set"
	forcedMail     = "forced"
	layout         = "layout.html"
)

// Load reads the built-in templates, each replaced by the file of the same name in dir; dir ""
// replaces none. Each is tried once, so that a broken one is found at start and not by an owner
// who waits for a mail.
func Load(dir string, b Brand) (*Templates, error) {
	if b.Product == "" || b.Support == "" || b.ForgotURL == "" {
		return nil, errors.New("mails need the product's name, a support contact and the address of the forgot page")
	}
	if err := b.spell(); err != nil {
		return nil, err
	}
	files, err := override.Files(builtIn, "templates", dir)
	if err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	t := &Templates{b, map[string]parts{}}
	for _, name := range []string{resetMail, changedMail, invitationMail, setMail, forcedMail} {
		if t.mails[name], err = parse(files, name); err != nil {
			return nil, fmt.Errorf("mail templates: %w", err)
		}
	}
	if err := t.try(); err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	return t, nil
}

// spell writes the URLs as mails have them.
func (b *Brand) spell() (err error) {
	for _, text := range []*string{&b.SignInURL, &b.ForgotURL, &b.Support} {
		if *text, err = urlInASCII(*text); err != nil {
			return err
		}
	}
	return nil
}

func parse(files map[string]string, name string) (p parts, err error) {
	subject, text, html := name+".subject.txt", name+".txt", name+".html"
	if p.subject, err = texttemplate.New(subject).Parse(files[subject]); err != nil {
		return p, err
	}
	if p.text, err = texttemplate.New(text).Parse(files[text]); err != nil {
		return p, err
	}
	if p.html, err = htmltemplate.New(layout).Parse(files[layout]); err != nil {
		return p, err
	}
	p.html, err = p.html.New(html).Parse(files[html])
	return p, err
}

// try writes each mail once, and with each of its optional parts. A mail without its links would
// be polite and useless.
func (t *Templates) try() error {
	const to, id, url, cancel, word = "someone@example.com", "id@example.com", "https://example.com/link", "https://example.com/cancel", "word"
	var wrong []error
	tried := func(name string, links ...string) func(Message, error) {
		return func(m Message, err error) { wrong = append(wrong, err, complete(name, m, links)) }
	}
	for _, asked := range []int{1, 2} {
		tried(resetMail, url, cancel)(t.Reset(to, id, Reset{URL: url, CancelURL: cancel, Life: time.Minute, Asked: asked}))
	}
	tried(changedMail)(t.Changed(to, id, Changed{At: time.Unix(0, 0)}))
	for reminder, inviter := range map[bool]string{false: "", true: word} {
		tried(invitationMail, url, cancel)(t.Invitation(to, id, Invitation{URL: url, CancelURL: cancel, Life: time.Hour, Inviter: inviter, Reminder: reminder}))
	}
	tried(setMail)(t.Set(to, id, Set{At: time.Unix(0, 0)}))
	for _, reason := range []string{"", word} {
		tried(forcedMail, url)(t.Forced(to, id, Forced{URL: url, Life: time.Hour, Reason: reason}))
	}
	return errors.Join(wrong...)
}

// complete reports a mail without a subject or without one of its links.
func complete(name string, m Message, links []string) error {
	if m.Subject == "" {
		return fmt.Errorf("%s.subject.txt writes nothing", name)
	}
	for _, link := range links {
		if !strings.Contains(m.Text, link) || !strings.Contains(m.HTML, link) {
			return fmt.Errorf("%s.txt or %s.html lacks {{.URL}} or {{.CancelURL}}", name, name)
		}
	}
	return nil
}
