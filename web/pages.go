package web

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/override"
	"github.com/rekeyhq/rekey/messages"
	"github.com/rekeyhq/rekey/starter"
)

//go:embed pages
var pageFiles embed.FS

// site is the data that all pages share.
type site struct {
	Base       string // path of the base URL, without a slash at the end
	LoginURL   string
	Product    string
	Support    string
	SupportURL string // "" when Support is plain text
	MinLength  int
	Logo       string // file of the brand, "" for rekey's lock
	Footer     []footer
}

// footer is a link of the brand.
type footer struct{ Text, URL string }

// view is the data of one page. Page names its template.
type view struct {
	site
	Flow      *siteFlow
	Page      string
	CleanURL  string // replaces a URL with a token in the address bar; "" = leave it
	Token     string
	Ticket    string // of the page that waits
	Address   string
	Expires   time.Time
	MaxBytes  int           // of the password, 0 for any
	Left      time.Duration // until Expires; see Days
	Problem   *problem
	Again     string          // page for another attempt, "" for none
	Reopen    bool            // only the link in the email gives another attempt
	Puzzle    *starter.Puzzle // to be solved by the page before it posts again
	Canceling bool            // the reader wants to cancel a reset, not to do one
	Pending   bool            // the cancel is accepted and has no effect yet
	Locale    string          // the tag of a language that was asked for explicitly, or ""
	language  messages.Language
}

// Mistaken reports that the reader typed something wrong, rather than a fault of the server.
func (v view) Mistaken() bool { return v.Problem != nil && v.Problem.Status == http.StatusBadRequest }

// Works is the sentence about how long the link still works, around its end: rounded down so that
// the page promises no more. It is nil for less than a minute.
func (v view) Works() *sentence {
	minutes := int(v.Left / time.Minute)
	switch {
	case minutes < 1:
		return nil
	case minutes < 120:
		return around(v.language, "page.works-minutes", "Time", "Count", minutes)
	case v.Days():
		return around(v.language, "page.works-days", "Time", "Count", minutes/60/24)
	default:
		return around(v.language, "page.works-hours", "Time", "Count", minutes/60)
	}
}

// Days reports that the link works for so long that its end needs a date.
func (v view) Days() bool { return v.Left >= 48*time.Hour }

// sites are the site in each language, by its tag.
func sites(from starter.Settings, cfg Config) map[string]site {
	all := map[string]site{}
	for _, l := range cfg.catalogue().Languages() {
		all[l.Tag()] = newSite(from, cfg, l.Tag())
	}
	return all
}

// newSite is the site in the language of a tag.
func newSite(from starter.Settings, cfg Config, in string) site {
	b := cfg.brand()
	s := site{
		Base: from.BaseURL.URL().Path, LoginURL: cfg.LoginURL, MinLength: from.MinLength, Logo: b.Logo,
		Product: cmp.Or(b.Product.In(in), from.Product), Support: cmp.Or(b.Support.In(in), cfg.Support),
	}
	for _, l := range b.Footer {
		s.Footer = append(s.Footer, footer{l.Text.In(in), l.URL})
	}
	if u, err := url.Parse(s.Support); err == nil && loopback.Web(u) {
		s.SupportURL = s.Support
	} else if strings.Contains(s.Support, "@") && !strings.ContainsAny(s.Support, " \t<>") {
		s.SupportURL = "mailto:" + s.Support
	}
	return s
}

// sentence is a text with a part in it that has markup of its own.
type sentence struct{ Before, After string }

// around is a text without the placeholder of that name.
func around(l messages.Language, key, name string, args ...any) *sentence {
	const cut = "\x00"
	before, after, _ := strings.Cut(l.Text(key, append(args, name, cut)...), cut)
	return &sentence{before, after}
}

// funcs are the functions of the templates in one language. The text of a key has its values
// after it, each behind the name of its placeholder: {{t "page.first-lead" "Product" .Product}}.
func funcs(l messages.Language) template.FuncMap {
	return template.FuncMap{
		"t": l.Lookup, "lang": l.Tag, "dir": l.Dir, "date": l.Date, "time": l.Time, "gap": l.Gap,
		"around": func(key, name string) *sentence { return around(l, key, name) },
	}
}

// pages are the templates by flow and name, in the language of a tag. Each is within layout.html,
// in the words of its flow. A language is read when it is first needed.
type pages map[string]func() (map[string]*template.Template, error)

// loadPages reads the templates, each replaced by the file of its name in dir.
func loadPages(flows []*siteFlow, c *messages.Catalogue, dir string) (pages, error) {
	files, err := override.Files(pageFiles, "pages", dir)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	all := pages{}
	for _, l := range c.Languages() {
		all[l.Tag()] = sync.OnceValues(func() (map[string]*template.Template, error) { return loadLanguage(flows, l, files) })
	}
	_, err = all[c.Match().Tag()]()
	return all, err
}

func loadLanguage(flows []*siteFlow, l messages.Language, files map[string]string) (_ map[string]*template.Template, err error) {
	all := map[string]*template.Template{}
	for _, f := range flows {
		for name := range files {
			if strings.Contains(name, "/") || name == "layout.html" {
				continue
			}
			t := template.New("layout.html").Option("missingkey=error").Funcs(funcs(l))
			for _, part := range []string{"layout.html", name, "flows/" + f.name + ".html"} {
				if t, err = parse(t, part, files[part]); err != nil {
					return nil, fmt.Errorf("pages: %w", err)
				}
			}
			page := strings.TrimSuffix(name, ".html")
			for _, v := range trials(f, page, l) {
				if err := t.Execute(io.Discard, v); err != nil {
					return nil, fmt.Errorf("pages: %w", err)
				}
			}
			all[f.name+"/"+page] = t
		}
	}
	return all, nil
}

// trials are pages with and without each optional part: a broken template is found at the start, and
// not by an owner with a link.
func trials(f *siteFlow, page string, l messages.Language) []view {
	all := view{
		site: site{
			LoginURL: "https://example.com", Product: "Product", Support: "help", SupportURL: "mailto:help@example.com",
			MinLength: 15, Logo: "logo.png", Footer: []footer{{"Imprint", "https://example.com"}},
		},
		Flow: f, Page: page, CleanURL: "/", Token: "token", Ticket: "ticket", Address: "someone@example.com", MaxBytes: 72,
		Left: 72 * time.Hour, Problem: &problem{Code: "busy", Text: "text", Hint: "hint", Suggestions: []string{"suggestion"}},
		Again: "/", Puzzle: &starter.Puzzle{}, language: l,
	}
	none := view{Flow: f, Page: page, language: l}
	if page == "problem" {
		none.Problem = &problem{}
	}
	reopen := all
	reopen.Reopen, reopen.Canceling, reopen.Pending, reopen.Left = true, true, true, time.Hour
	return []view{all, none, reopen}
}

// parse adds a file to the templates of a page, as template.ParseFS does.
func parse(t *template.Template, name, text string) (*template.Template, error) {
	if name == t.Name() {
		return t.Parse(text)
	}
	_, err := t.New(name).Parse(text)
	return t, err
}

func (p pages) render(w io.Writer, v view) error {
	all, err := p[v.language.Tag()]()
	if err != nil {
		return err
	}
	t, ok := all[v.Flow.name+"/"+v.Page]
	if !ok {
		return fmt.Errorf("no page %q of a flow %q", v.Page, v.Flow.name)
	}
	return t.Execute(w, v)
}
