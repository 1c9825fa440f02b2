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
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
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

// pages are the templates by flow and name. Each is within layout.html, in the words of its flow.
type pages map[string]*template.Template

func loadPages(flows []*siteFlow) (pages, error) {
	names, err := fs.Glob(pageFiles, "pages/*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, f := range flows {
		for _, name := range names {
			t, err := template.New("layout.html").Option("missingkey=error").
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
	t, ok := p[v.Flow.name+"/"+v.Page]
	if !ok {
		return fmt.Errorf("no page %q of a flow %q", v.Page, v.Flow.name)
	}
	return t.Execute(w, v)
}
