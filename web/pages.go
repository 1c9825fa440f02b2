package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
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
}

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

func newSite(from starter.Settings, cfg Config) site {
	s := site{
		Base: from.BaseURL.URL().Path, LoginURL: cfg.LoginURL, Product: from.Product, Support: cfg.Support, MinLength: from.MinLength,
	}
	if u, err := url.Parse(cfg.Support); err == nil && loopback.Web(u) {
		s.SupportURL = cfg.Support
	} else if strings.Contains(cfg.Support, "@") && !strings.ContainsAny(cfg.Support, " \t<>") {
		s.SupportURL = "mailto:" + cfg.Support
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

func loadPages(flows []*siteFlow, c *messages.Catalogue) (pages, error) {
	all := pages{}
	for _, l := range c.Languages() {
		all[l.Tag()] = sync.OnceValues(func() (map[string]*template.Template, error) { return loadLanguage(flows, l) })
	}
	_, err := all[c.Match().Tag()]()
	return all, err
}

func loadLanguage(flows []*siteFlow, l messages.Language) (map[string]*template.Template, error) {
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	all := map[string]*template.Template{}
	for _, f := range flows {
		for _, name := range names {
			t, err := template.New("layout.html").Option("missingkey=error").Funcs(funcs(l)).
				ParseFS(pageFiles, "pages/layout.html", name, "pages/flows/"+f.name+".html")
			if err != nil {
				return nil, err
			}
			all[f.name+"/"+strings.TrimSuffix(path.Base(name), ".html")] = t
		}
	}
	return all, nil
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
