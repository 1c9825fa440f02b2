package inbox

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
)

//go:embed page.html page.css page.js
var files embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{"clock": clock}).ParseFS(files, "page.html"))

// The page needs nothing but its own files. A mail gets less: no scripts, no
// forms, nothing from elsewhere, and an origin of its own, wherever it is opened.
const (
	pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	mailPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; " +
		"img-src data:; form-action 'none'; frame-ancestors 'self'"
)

func (i *Inbox) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/messages", i.apiList)
	mux.HandleFunc("DELETE /api/v1/messages", i.apiDelete)
	mux.HandleFunc("GET /api/v1/search", i.apiSearch)
	mux.HandleFunc("GET /api/v1/message/{id}", i.apiMessage)
	mux.HandleFunc("GET /api/v1/message/{id}/headers", i.apiHeaders)
	mux.HandleFunc("GET /api/v1/message/{id}/raw", i.apiRaw)
	mux.HandleFunc("GET /livez", alive)
	mux.HandleFunc("GET /readyz", alive)

	mux.HandleFunc("GET /{$}", i.showList)
	mux.HandleFunc("GET /view/{id}", i.showMail)
	mux.HandleFunc("GET /html/{id}", i.showHTML)
	mux.HandleFunc("GET /events", i.events)
	mux.HandleFunc("POST /delete", i.deleteAll)
	mux.Handle("GET /page.css", http.FileServerFS(files))
	mux.Handle("GET /page.js", http.FileServerFS(files))
	return local(http.NewCrossOriginProtection().Handler(mux))
}

func alive(http.ResponseWriter, *http.Request) {}

// local answers only requests for this machine by its own name. A web page cannot read the
// mails by pointing its name at 127.0.0.1.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r.Host) {
			http.Error(w, "the inbox answers on localhost only", http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Security-Policy", pagePolicy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// isLocal takes names below localhost too, which browsers look up nowhere (RFC 6761).
func isLocal(host string) bool {
	at := url.URL{Host: host}
	return loopback.Is(host) || strings.HasSuffix(at.Hostname(), ".localhost")
}

// view is the content of the page: the list, and one mail when one is open.
type view struct {
	List listing
	Mail *Message
	Show string // html, text or source
	Text []span // the mail's text
}

// Source is the mail as it was received.
func (v view) Source() string { return string(v.Mail.Raw) }

func (i *Inbox) showList(w http.ResponseWriter, _ *http.Request) {
	i.show(w, view{})
}

func (i *Inbox) showMail(w http.ResponseWriter, r *http.Request) {
	m, ok := i.opened(w, r)
	if !ok {
		return
	}
	v := view{Mail: &m, Show: r.FormValue("show"), Text: linked(m.Text)}
	switch {
	case m.HTML == "" && v.Show != "source":
		v.Show = "text"
	case v.Show == "":
		v.Show = "html"
	}
	i.show(w, v)
}

func (i *Inbox) show(w http.ResponseWriter, v view) {
	v.List = i.paged(i.box.find(anything), 0, capacity)
	if err := pageTemplate.Execute(w, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func clock(t time.Time) string {
	if time.Since(t) < 12*time.Hour {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 15:04")
}

// showHTML is the frame that holds a mail's own HTML.
func (i *Inbox) showHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := i.opened(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, inNewTab(m.HTML))
}

// inNewTab makes the mail's links open a tab instead of replacing the frame.
func inNewTab(html string) string {
	const base = `<base target="_blank">`
	if at := headTag.FindStringIndex(html); at != nil {
		return html[:at[1]] + base + html[at[1]:]
	}
	return base + html
}

// events sends the page each change in the inbox.
func (i *Inbox) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		changed := i.box.changes()
		if out.Flush() != nil {
			return
		}
		select {
		case <-changed:
			fmt.Fprint(w, "data: changed\n\n")
		case <-r.Context().Done():
			return
		}
	}
}

func (i *Inbox) deleteAll(w http.ResponseWriter, r *http.Request) {
	i.box.remove(nil)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
