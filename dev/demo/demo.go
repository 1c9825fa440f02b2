// Package demo is the host application of the development program: the part that a company has
// before it adopts rekey. People sign in and out of it and forget their passwords. It reads and
// writes the same account store as the worker.
package demo

import (
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"mime"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/password"
)

//go:embed pages
var files embed.FS

// cookieName is the session cookie's name.
const cookieName = "sid"

// errSignIn is the one answer to every failed sign-in.
var errSignIn = errors.New("that address and password do not match")

// Config is the application's configuration. All fields are required.
type Config struct {
	Store         *bolt.Store
	Budget        *password.Budget // verifying a password costs as much as hashing one
	Policy        password.Policy
	ResetPassword bool // the feature flag user:reset-password
	Log           zerolog.Logger
}

type app struct {
	Config
	pages *template.Template
	decoy string // hash that a sign-in to no account is checked against
}

// New returns the application's routes: GET /, GET /login, POST /account/login,
// POST /account/logout and GET /api/v1/user.
func New(cfg Config) (*http.ServeMux, error) {
	pages, err := template.ParseFS(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	a := &app{Config: cfg, pages: pages, decoy: password.DefaultParams().Hash("nobody", make([]byte, 16))}
	mux := http.NewServeMux()
	forgery := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /demo/style.css", a.style)
	mux.Handle("POST /account/login", forgery.Handler(http.HandlerFunc(a.signIn)))
	mux.Handle("POST /account/logout", forgery.Handler(http.HandlerFunc(a.signOut)))
	mux.HandleFunc("GET /api/v1/user", a.user)
	return mux, nil
}

// home is the page of the signed-in account.
func (a *app) home(w http.ResponseWriter, r *http.Request) {
	who, err := a.signedIn(r)
	if err != nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	a.page(w, http.StatusOK, "home.html", map[string]any{"Address": who.Address})
}

func (a *app) login(w http.ResponseWriter, _ *http.Request) { a.loginPage(w, http.StatusOK, "") }

func (a *app) loginPage(w http.ResponseWriter, status int, problem string) {
	a.page(w, status, "login.html", map[string]any{"ResetPassword": a.ResetPassword, "Problem": problem})
}

func (a *app) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "pages/style.css")
}

// signIn answers JSON with JSON and a form with a page.
func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	form := isForm(r)
	c, err := readCredentials(w, r, form)
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "want username or email, and password"})
		return
	}
	sid, err := a.newSession(r.Context(), c)
	switch {
	case errors.Is(err, errSignIn) && form:
		a.loginPage(w, http.StatusUnauthorized, "That address and password do not match.")
	case errors.Is(err, errSignIn):
		answer(w, http.StatusUnauthorized, map[string]string{"error": err.Error()})
	case err != nil:
		a.fail(w, err)
	default:
		setCookie(w, sid)
		if form {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		answer(w, http.StatusOK, map[string]string{"status": "okay"})
	}
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		if err := a.Store.EndSession(r.Context(), cookie.Value); err != nil {
			a.fail(w, err)
			return
		}
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // it holds nothing, it deletes
		Name: cookieName, Path: "/", MaxAge: -1,
	})
	if isForm(r) {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "okay"})
}

func (a *app) user(w http.ResponseWriter, r *http.Request) {
	who, err := a.signedIn(r)
	if err != nil {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "not signed in"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"id": who.ID, "email": who.Address})
}

func (a *app) signedIn(r *http.Request) (account.Account, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return account.Account{}, err
	}
	return a.Store.Session(r.Context(), cookie.Value)
}

func (a *app) page(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := a.pages.ExecuteTemplate(w, name, data); err != nil {
		a.Log.Error().Err(err).Str("page", name).Msg("page not written")
	}
}

func (a *app) fail(w http.ResponseWriter, err error) {
	a.Log.Error().Err(err).Msg("demo application")
	answer(w, http.StatusInternalServerError, map[string]string{"error": "something went wrong; see the log"})
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}
