package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/brand"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/messages"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
)

// previewCmd is `rekey preview`.
type previewCmd struct {
	Product   string `default:"Example" env:"REKEY_PRODUCT" help:"Name of your product."`
	Support   string `default:"help@example.com" env:"REKEY_SUPPORT" help:"Support contact: a mail address or a URL."`
	Brand     string `type:"path" env:"REKEY_BRAND" help:"Folder with the look of your application."`
	Messages  string `type:"path" env:"REKEY_MESSAGES" help:"Folder of catalogues that add a language or replace texts."`
	Templates string `type:"path" env:"REKEY_TEMPLATES" help:"Folder of templates that replace those of the mails."`
	Pages     string `type:"path" env:"REKEY_PAGES" help:"Folder of templates that replace those of the pages."`
	Listen    string `default:"127.0.0.1:8099" env:"REKEY_PREVIEW_LISTEN" help:"Address of this machine to serve the folder on; empty to write it only."`

	Dir string `arg:"" type:"path" help:"Folder to write: a new one, or one of an earlier preview."`
}

const previewURL = "https://accounts.example.com"

func (c *previewCmd) check() error {
	if c.Listen != "" && !loopback.Is(c.Listen) {
		return errors.New("--listen ($REKEY_PREVIEW_LISTEN): want an address of this machine, such as 127.0.0.1:8099")
	}
	return nil
}

// Run writes all pages and mails in all languages to the folder, and serves it.
func (c *previewCmd) Run(p *process) error {
	if err := c.claim(); err != nil {
		return err
	}
	texts, err := catalogue(c.Messages)
	if err != nil {
		return err
	}
	look, err := loadBrand(c.Brand)
	if err != nil {
		return err
	}
	index := map[string][]string{}
	for _, l := range texts.Languages() {
		fmt.Fprintln(p.stderr, l.Tag())
		pages, err := c.writePages(p.ctx, l.Tag(), texts, look)
		if err != nil {
			return err
		}
		mails, err := c.writeMails(l.Tag(), texts, look)
		if err != nil {
			return err
		}
		index[l.Tag()] = append(pages, mails...)
	}
	if err := c.writeIndex(index); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s has all pages and mails in %d languages\n", c.Dir, len(index))
	if c.Listen == "" {
		return nil
	}
	return c.serve(p)
}

// mark is a file that says that a folder is a preview.
const mark = "index.html"

// claim takes a folder that is new, empty, or of an earlier preview.
func (c *previewCmd) claim() error {
	found, err := os.ReadDir(c.Dir)
	if err == nil && len(found) > 0 && !slices.ContainsFunc(found, func(e fs.DirEntry) bool { return e.Name() == mark }) {
		return fmt.Errorf("%s has other files: name a new folder", c.Dir)
	}
	return os.MkdirAll(c.Dir, 0o750)
}

func (c *previewCmd) write(name string, content []byte) error {
	path := filepath.Join(c.Dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// previewed is one page: its request, and what is so.
type previewed struct {
	name, path, form string // a POST if there is a form
	state            starter.Link
	err              error
}

// previews are the pages of one flow.
func previews(prefix, page, form, cancel, cancelForm string) []previewed {
	open := starter.Link{State: starter.LinkOpen, Address: "owner@example.com", Expires: time.Now().Add(25 * time.Minute), Left: 25 * time.Minute}
	const body = "token=TOKEN&password=seven+otters&confirm=seven+otters"
	weak := password.DefaultPolicy().Check("password")
	all := []previewed{
		{prefix + "password", page + "/TOKEN", "", open, nil},
		{prefix + "password-refused", form, body, open, weak},
		{prefix + "password-differs", form, body + "2", open, nil},
		{prefix + "password-later", form, body, open, starter.ErrUnavailable},
		{prefix + "pending", page + "/TOKEN", "", starter.Link{State: starter.LinkPending, Address: open.Address}, nil},
		{prefix + "changed", page + "/TOKEN", "", starter.Link{State: starter.LinkChanged, Address: open.Address}, nil},
		{prefix + "expired", page + "/TOKEN", "", starter.Link{}, starter.ErrLinkExpired},
		{prefix + "canceled", page + "/TOKEN", "", starter.Link{}, starter.ErrLinkCanceled},
		{prefix + "invalid", page + "/TOKEN", "", starter.Link{}, starter.ErrLinkInvalid},
		{prefix + "used", form, body, open, starter.ErrLinkUsed},
		{prefix + "refused", page + "/TOKEN", "", starter.Link{}, starter.ErrChangeRefused},
	}
	if cancel != "" {
		all = append(all,
			previewed{prefix + "cancel", cancel + "/TOKEN", "", open, nil},
			previewed{prefix + "cancel-too-late", cancelForm, "token=TOKEN", open, starter.ErrLinkUsed})
	}
	return all
}

// writePages writes the pages of a language, and the files that all share.
func (c *previewCmd) writePages(ctx context.Context, tag string, texts *messages.Catalogue, look *brand.Brand) (names []string, err error) {
	pages := slices.Concat([]previewed{
		{"forgot", "/account/forgot-password", "", starter.Link{}, nil},
		{"forgot-address", "/account/forgot_password", "email=owner", starter.Link{}, account.ErrAddress},
		{"sent", "/account/link-sent", "", starter.Link{}, nil},
		{"not-found", "/nothing", "", starter.Link{}, nil},
	},
		previews("reset-", "/account/change-password", "/account/reset_password", "/account/cancel-reset", "/account/cancel_reset"),
		previews("invitation-", "/account/accept-invitation", "/account/accept_invitation", "/account/decline-invitation", "/account/decline_invitation"),
		previews("renewal-", "/account/renew-password", "/account/renew_password", "", ""))
	for _, page := range pages {
		resets := shown{page, c.Product}
		handler, err := web.NewHandler(resets, web.Config{
			LoginURL: "https://app.example.com/sign-in", Support: c.Support, Enabled: true, Invitations: resets, Renewals: resets,
			Messages: texts, Brand: look, Pages: c.Pages, Log: zerolog.Nop(),
		})
		if err != nil {
			return nil, err
		}
		name := tag + "/" + page.name + ".html"
		if err := c.write(name, answer(ctx, handler, tag, page)); err != nil {
			return nil, err
		}
		names = append(names, name)
		if len(names) > 1 {
			continue
		}
		files := []string{"rekey.css", "rekey.js", "icon.svg"}
		for _, a := range look.Assets() {
			files = append(files, a.Name)
		}
		for _, file := range files {
			if err := c.write("account/static/"+file, answer(ctx, handler, tag, previewed{path: "/account/static/" + file})); err != nil {
				return nil, err
			}
		}
	}
	return names, nil
}

// answer is the body of an answer, as a browser of that language gets it.
func answer(ctx context.Context, h http.Handler, tag string, page previewed) []byte {
	method := http.MethodGet
	if page.form != "" {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(ctx, method, previewURL+page.path, strings.NewReader(page.form))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", tag)
	if page.form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Body.Bytes()
}

// shown is a client whose links are as a page shows them.
type shown struct {
	page    previewed
	product string
}

func (s shown) Request(context.Context, string) error { return s.page.err }
func (s shown) Inspect(context.Context, string) (starter.Link, error) {
	if s.page.form != "" {
		return s.page.state, nil
	}
	return s.page.state, s.page.err
}
func (s shown) Submit(context.Context, string, string) error { return s.page.err }
func (s shown) Follow(string) (string, error)                { return "TICKET", nil }
func (s shown) Followed(context.Context, string) (starter.LinkState, error) {
	return s.page.state.State, s.page.err
}
func (s shown) Cancel(context.Context, string) error { return s.page.err }
func (s shown) Settings() starter.Settings {
	return starter.Settings{BaseURL: link.MustParseBaseURL(previewURL), Product: s.product, MinLength: 15}
}
func (shown) Proof() *starter.Proof { return nil }

// writeMails writes the mails of a language: the HTML, and the text beside it.
func (c *previewCmd) writeMails(tag string, texts *messages.Catalogue, look *brand.Brand) (names []string, err error) {
	templates, err := mail.Load(c.Templates, mail.Brand{
		Product: c.Product, Support: c.Support, ForgotURL: previewURL + "/account/forgot-password",
		SignInURL: "https://app.example.com/sign-in", Messages: texts, Look: look,
	})
	if err != nil {
		return nil, err
	}
	templates = templates.In(tag)
	const to, id, url, cancel = "owner@example.com", "1@example.com", previewURL + "/account/change-password/TOKEN", previewURL + "/account/cancel-reset/TOKEN"
	at := time.Date(2026, 3, 14, 15, 7, 0, 0, time.UTC)
	var wrong []error
	save := func(name string) func(mail.Message, error) {
		return func(m mail.Message, err error) {
			html := m.HTML
			if m.Logo != nil {
				html = strings.ReplaceAll(html, "cid:logo", "/account/static/"+m.Logo.Name)
			}
			names = append(names, tag+"/mail-"+name+".html")
			wrong = append(wrong, err, c.write(tag+"/mail-"+name+".html", []byte(html)),
				c.write(tag+"/mail-"+name+".txt", []byte("Subject: "+m.Subject+"\n\n"+m.Text)))
		}
	}
	save("reset")(templates.Reset(to, id, mail.Reset{URL: url, CancelURL: cancel, Life: 30 * time.Minute, Asked: 2, From: "203.0.113.7", AskedAt: at}))
	save("changed")(templates.Changed(to, id, mail.Changed{At: at}))
	save("invitation")(templates.Invitation(to, id, mail.Invitation{URL: url, CancelURL: cancel, Life: 72 * time.Hour, Inviter: "Bo Ek"}))
	save("reminder")(templates.Invitation(to, id, mail.Invitation{URL: url, CancelURL: cancel, Life: 72 * time.Hour, Inviter: "Bo Ek", Reminder: true}))
	save("set")(templates.Set(to, id, mail.Set{At: at}))
	save("forced")(templates.Forced(to, id, mail.Forced{URL: url, Life: 24 * time.Hour, Reason: "A copy of our password hashes was stolen."}))
	return names, errors.Join(wrong...)
}

var previewIndex = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Preview</title><link rel="stylesheet" href="/account/static/rekey.css"></head>
<body><main><h1>Preview</h1>
{{range $tag, $names := .}}<h2>{{$tag}}</h2><ul>{{range $names}}<li><a href="/{{.}}">{{.}}</a></li>{{end}}</ul>
{{end}}</main></body></html>
`))

func (c *previewCmd) writeIndex(names map[string][]string) error {
	var page strings.Builder
	if err := previewIndex.Execute(&page, names); err != nil {
		return err
	}
	return c.write(mark, []byte(page.String()))
}

// serve serves the folder until the command ends.
func (c *previewCmd) serve(p *process) error {
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen ($REKEY_PREVIEW_LISTEN): %w", err)
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(c.Dir)), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(p.ctx, func() { _ = server.Close() })
	defer stop()
	fmt.Fprintf(p.stdout, "http://%s/ shows it, until you end this command\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return cmp.Or(err, errors.New("the server ended"))
	}
	return nil
}
