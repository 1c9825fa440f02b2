package mail

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"github.com/rekeyhq/rekey/brand"
	"github.com/rekeyhq/rekey/internal/override"
	"github.com/rekeyhq/rekey/messages"
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
	// Messages has the texts by language; nil is the built-in ones.
	Messages *messages.Catalogue
	// Look has colours, logo and the links in the footer, and product and support by language. Nil
	// is the look of rekey.
	Look *brand.Brand

	language string // tag
}

func (b Brand) look() *brand.Brand { return cmp.Or(b.Look, &brand.Brand{}) }

// Colors are the colours of HTML mails.
func (b Brand) Colors() brand.Colors { return b.look().Colors() }

// HasLogo reports that HTML mails have a picture, under cid:logo.
func (b Brand) HasLogo() bool {
	_, ok := b.look().Picture()
	return ok
}

// FooterLink is a link below an HTML mail.
type FooterLink struct{ Text, URL string }

// Footer are the links below an HTML mail.
func (b Brand) Footer() (links []FooterLink) {
	for _, l := range b.look().Footer {
		links = append(links, FooterLink{l.Text.In(b.language), l.URL})
	}
	return links
}

// in is the brand in a language.
func (b Brand) in(tag string) Brand {
	look := b.look()
	b.language, b.Product, b.Support = tag, cmp.Or(look.Product.In(tag), b.Product), cmp.Or(look.Support.In(tag), b.Support)
	return b
}

// Product is the product's name in mails.
func (t *Templates) Product() string { return t.brand.Product }

// Templates write mails in one language. They are safe for concurrent use.
type Templates struct {
	brand    Brand
	language messages.Language
	mails    map[string]parts
	all      map[string]func() (*Templates, error) // by tag, made at the first use
}

// In is the same mails in the language that fits a locale: a BCP 47 tag of the account, or else
// the next one that is not empty. Without any it is English.
func (t *Templates) In(locales ...string) *Templates {
	in, err := t.all[t.brand.Messages.Match(locales...).Tag()]()
	if err != nil { // Load wrote all mails in English, and a text of each language exists
		return t
	}
	return in
}

// Language is the language of the mails.
func (t *Templates) Language() messages.Language { return t.language }

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
	if b.Messages == nil {
		b.Messages = messages.BuiltIn()
	}
	all := map[string]func() (*Templates, error){}
	for _, l := range b.Messages.Languages() {
		all[l.Tag()] = sync.OnceValues(func() (*Templates, error) { return parseAll(files, b, l, all) })
	}
	t, err := all[b.Messages.Match().Tag()]()
	if err == nil {
		err = t.try()
	}
	if err != nil {
		return nil, fmt.Errorf("mail templates: %w", err)
	}
	return t, nil
}

// parseAll reads the templates of all mails for one language.
func parseAll(files map[string]string, b Brand, l messages.Language, all map[string]func() (*Templates, error)) (_ *Templates, err error) {
	t := &Templates{b.in(l.Tag()), l, map[string]parts{}, all}
	for _, name := range []string{resetMail, changedMail, invitationMail, setMail, forcedMail} {
		if t.mails[name], err = parse(files, name, l); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// funcs are the functions of the templates. The text of a key has its values after it, each behind
// the name of its placeholder: {{t "mail.life" "Life" .Life}}. The others are the texts in lines
// of a plain mail, a text with the colon of the language, the gap between two sentences, and the
// attributes lang and dir.
func funcs(l messages.Language) map[string]any {
	return map[string]any{
		"t": l.Lookup, "lang": l.Tag, "dir": l.Dir, "gap": l.Gap, "label": l.Label,
		"wrap": func(texts ...string) string { return wrapped(strings.Join(texts, l.Gap()), textColumns) },
	}
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

func parse(files map[string]string, name string, l messages.Language) (p parts, err error) {
	subject, text, html := name+".subject.txt", name+".txt", name+".html"
	if p.subject, err = texttemplate.New(subject).Funcs(funcs(l)).Parse(files[subject]); err != nil {
		return p, err
	}
	if p.text, err = texttemplate.New(text).Funcs(funcs(l)).Parse(files[text]); err != nil {
		return p, err
	}
	if p.html, err = htmltemplate.New(layout).Funcs(funcs(l)).Parse(files[layout]); err != nil {
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
		tried(resetMail, url, cancel)(t.Reset(to, id, Reset{URL: url, CancelURL: cancel, Life: time.Minute, Asked: asked, From: word}))
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
