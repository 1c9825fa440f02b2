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
	"time"

	"golang.org/x/text/language"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/override"
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
}

// Mistaken reports that the reader typed something wrong, rather than a fault of the server.
func (v view) Mistaken() bool { return v.Problem != nil && v.Problem.Status == http.StatusBadRequest }

// Remaining is how long the link still works, rounded down so that the page promises no more. It
// is "" for less than a minute.
func (v view) Remaining() string {
	minutes := int(v.Left / time.Minute)
	switch {
	case minutes < 1:
		return ""
	case minutes == 1:
		return "1 more minute"
	case minutes < 120:
		return fmt.Sprintf("%d more minutes", minutes)
	case v.Days():
		return fmt.Sprintf("%d more days", minutes/60/24)
	default:
		return fmt.Sprintf("%d more hours", minutes/60)
	}
}

// Days reports that the link works for so long that its end needs a date.
func (v view) Days() bool { return v.Left >= 48*time.Hour }

func newSite(from starter.Settings, cfg Config) site {
	b, in := cfg.brand(), language.English
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

// pages are the templates by flow and name. Each is within layout.html, in the words of its flow.
type pages map[string]*template.Template

// loadPages reads the templates, each replaced by the file of its name in dir.
func loadPages(flows []*siteFlow, dir string) (pages, error) {
	files, err := override.Files(pageFiles, "pages", dir)
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	all := pages{}
	for _, f := range flows {
		for name := range files {
			if strings.Contains(name, "/") || name == "layout.html" {
				continue
			}
			t := template.New("layout.html").Option("missingkey=error")
			for _, part := range []string{"layout.html", name, "flows/" + f.name + ".html"} {
				if t, err = parse(t, part, files[part]); err != nil {
					return nil, fmt.Errorf("pages: %w", err)
				}
			}
			page := strings.TrimSuffix(name, ".html")
			for _, v := range trials(f, page) {
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
func trials(f *siteFlow, page string) []view {
	all := view{
		site: site{
			LoginURL: "https://example.com", Product: "Product", Support: "help", SupportURL: "mailto:help@example.com",
			MinLength: 15, Logo: "logo.png", Footer: []footer{{"Imprint", "https://example.com"}},
		},
		Flow: f, Page: page, CleanURL: "/", Token: "token", Ticket: "ticket", Address: "someone@example.com", MaxBytes: 72,
		Left: 72 * time.Hour, Problem: &problem{Code: "busy", Text: "text", Hint: "hint", Suggestions: []string{"suggestion"}},
		Again: "/", Puzzle: &starter.Puzzle{},
	}
	none := view{Flow: f, Page: page}
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
	t, ok := p[v.Flow.name+"/"+v.Page]
	if !ok {
		return fmt.Errorf("no page %q of a flow %q", v.Page, v.Flow.name)
	}
	return t.Execute(w, v)
}
