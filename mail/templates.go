package mail

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"os"
	"strings"
	texttemplate "text/template"
	"time"
)

//go:embed templates
var builtIn embed.FS

// Brand is what mails say about the product.
type Brand struct {
	Product   string // required
	Support   string // whom to ask for help: an address or a URL; required
	ForgotURL string // where a reset is asked for
	SignInURL string // where people sign in; may be empty
}

// Reset is a mail with a link.
type Reset struct {
	URL       string        // sets a new password
	CancelURL string        // calls the reset off
	Life      time.Duration // how long the link works
}

// Changed is the notice that a password was changed.
type Changed struct {
	At time.Time
}

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

// The mails; a template file is named after one, as in reset.subject.txt.
const (
	resetMail   = "reset"
	changedMail = "changed"
)

// Load reads the templates: the built-in ones, each replaced by the file of the same name
// in dir where there is one. Every template is tried once, so that a broken one is found
// now and not when somebody needs it.
func Load(dir string, b Brand) (*Templates, error) {
	if b.Product == "" || b.Support == "" {
		return nil, errors.New("mails need the product's name and whom to ask for help")
	}
	t := &Templates{brand: b, mails: map[string]parts{}}
	for _, name := range []string{resetMail, changedMail} {
		p, err := load(dir, name)
		if err != nil {
			return nil, err
		}
		t.mails[name] = p
	}
	_, resetErr := t.Reset("someone@example.com", "id@example.com", Reset{URL: "https://example.com/a", CancelURL: "https://example.com/b", Life: time.Minute})
	_, changedErr := t.Changed("someone@example.com", "id@example.com", Changed{At: time.Unix(0, 0)})
	return t, errors.Join(resetErr, changedErr)
}

func load(dir, name string) (p parts, err error) {
	subject, subjectErr := source(dir, name+".subject.txt")
	text, textErr := source(dir, name+".txt")
	html, htmlErr := source(dir, name+".html")
	if err := errors.Join(subjectErr, textErr, htmlErr); err != nil {
		return p, fmt.Errorf("mail template: %w", err)
	}
	if p.subject, err = texttemplate.New(name + ".subject.txt").Parse(subject); err != nil {
		return p, err
	}
	if p.text, err = texttemplate.New(name + ".txt").Parse(text); err != nil {
		return p, err
	}
	p.html, err = htmltemplate.New(name + ".html").Parse(html)
	return p, err
}

// source is the text of a template: the folder's file, or the built-in one.
func source(dir, file string) (string, error) {
	if dir != "" {
		b, err := os.ReadFile(dir + string(os.PathSeparator) + file)
		if !errors.Is(err, fs.ErrNotExist) {
			return string(b), err
		}
	}
	b, err := builtIn.ReadFile("templates/" + file)
	return string(b), err
}

// Reset writes the mail with the links.
func (t *Templates) Reset(to, id string, r Reset) (Message, error) {
	return t.write(resetMail, to, id, struct {
		Brand
		URL, CancelURL, Life string
	}{t.brand, r.URL, r.CancelURL, inWords(r.Life)})
}

// Changed writes the notice.
func (t *Templates) Changed(to, id string, c Changed) (Message, error) {
	return t.write(changedMail, to, id, struct {
		Brand
		At string
	}{t.brand, c.At.UTC().Format("2 January 2006 at 15:04 UTC")})
}

func (t *Templates) write(name, to, id string, data any) (Message, error) {
	p := t.mails[name]
	subject, subjectErr := render(p.subject, data)
	text, textErr := render(p.text, data)
	html, htmlErr := render(p.html, data)
	return Message{
		ID: id, To: to, Subject: strings.Join(strings.Fields(subject), " "), Text: text, HTML: html,
	}, errors.Join(subjectErr, textErr, htmlErr)
}

func render(t interface{ Execute(io.Writer, any) error }, data any) (string, error) {
	var b bytes.Buffer
	err := t.Execute(&b, data)
	return b.String(), err
}

// inWords says how long a link works as people do.
func inWords(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := d / unit.length; n >= 1 && d%unit.length == 0 {
			if n == 1 {
				return "1 " + unit.name
			}
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}
