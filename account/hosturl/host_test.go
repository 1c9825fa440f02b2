package hosturl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/account/storetest"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/password"
)

func serve(t *testing.T, app http.Handler) *hosturl.Host {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return open(t, server.URL+"/rekey/", hostapp.Secret(hostapp.Key))
}

func open(t *testing.T, url, secrets string) *hosturl.Host {
	t.Helper()
	h, err := hosturl.Open(url, secrets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

type harness struct {
	*hosturl.Host
	storetest.App
	storetest.Verifier
}

// security 5, 10, 17, 23: an application behind a URL carries resets.
func TestHost(t *testing.T) {
	t.Parallel()
	storetest.RunHost(t, func(t *testing.T) storetest.HostHarness {
		t.Helper()
		app := hostapp.New()
		return &harness{serve(t, app), app, app}
	})
}

func ann() account.Account {
	return account.Account{ID: "ann", Address: "ann@example.com", Credential: "$2b$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq", Resettable: true}
}

// The check of a host finds each broken rule, and nothing in a good application.
func TestCheck(t *testing.T) {
	t.Parallel()
	for bad, rule := range map[string]string{
		"":                     "",
		"takes any signature":  "of another secret",
		"takes old ones":       "ten minutes old",
		"sets nothing":         "the new credential is set",
		"cuts the hash":        "the new credential is set",
		"compares nothing":     "another credential than the old one",
		"refuses a repetition": "a repetition",
		"lists nothing":        "",
		"begins again":         "pages follow",
		"counts from the end":  "pages follow",
		"ignores the limit":    "pages follow",
		"lists backwards":      "pages follow",
	} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			app := hostapp.New(bad)
			if err := app.Put(t.Context(), ann()); err != nil {
				t.Fatal(err)
			}
			crowd(t, app, 4)
			rules, broken := 0, ""
			serve(t, app).Check(t.Context(), ann().Address, func(rule string, err error) {
				rules++
				if err != nil {
					broken += fmt.Sprintf("%s: %v\n", rule, err)
				}
			})
			if rules != 13 || (broken == "") != (rule == "") || !strings.Contains(broken, rule) {
				t.Errorf("%d rules, broken:\n%s", rules, broken)
			}
			if a, err := app.Account(t.Context(), "ann"); bad == "" && (err != nil || a.Credential != ann().Credential) {
				t.Errorf("the credential is %q, %v", a.Credential, err)
			}
		})
	}
}

// Answers of an application that is unwell, or of a proxy in front of it, are faults, which say what
// to do. None is a decision, and no text of theirs is in it.
func TestUnwell(t *testing.T) {
	t.Parallel()
	const private = "$2b$12$private"
	says := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
	}
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
	}
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"500":           {status(500, private), "answered 500"},
		"401":           {status(401, ""), "compare the secrets"},
		"204":           {status(204, ""), "answered 204"},
		"a proxy's 404": {status(404, "<html>"+private), `{"error": "no_account"}`},
		"a proxy's 403": {status(403, `{"error":"forbidden","reason":"`+private+`"}`), `{"error": "refused"}`},
		"a proxy's 409": {status(409, "null"), `{"error": "credential_changed"}`},
		"redirect":      {http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, "answered 307"},
		"a broken redirect": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", ":"+private)
			w.WriteHeader(http.StatusFound)
		}, "answer"},
		"no JSON":           {says(private), "does not fit the contract"},
		"null":              {says("null"), "does not fit the contract"},
		"maintenance":       {says(`{"status":"maintenance"}`), "does not fit the contract"},
		"a number":          {says(`{"id":1,"address":"","credential":"","accounts":[{"id":1,"address":"","credential":""}]}`), "does not fit the contract"},
		"no credential":     {says(`{"id":"ann","address":"","accounts":[{"id":"ann","address":""}]}`), "does not fit the contract"},
		"a hash of numbers": {says(`{"id":"ann","address":"","credential":1,"accounts":[{"id":"ann","address":"","credential":1}]}`), "does not fit the contract"},
		"many addresses": {
			says(`{"id":"ann","address":"","credential":"","notify":[` + repeated(`"a"`, 11) + `],"accounts":[` + repeated(`{}`, 101) + `]}`), "does not fit the contract",
		},
		"NUL":  {says(`{"id":"\u0000","address":"","credential":"","accounts":[{"id":"\u0000","address":"","credential":""}]}`), "does not fit the contract"},
		"huge": {says(strings.Repeat(" ", 2<<20)), "more than"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "{")
		}, "cut off"},
		"hung up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cut off"},
		"no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprint(c, private+"\r\n\r\n")
				c.Close()
			}
		}, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, tc.answer)
			_, findErr := h.Find(t.Context(), "ann@example.com")
			_, readErr := h.Account(t.Context(), "ann")
			_, listErr := h.Accounts(t.Context(), "", 10)
			for request, err := range map[string]error{"find": findErr, "account": readErr, "accounts": listErr} {
				want := tc.want
				if request == "accounts" && strings.Contains(name, "404") {
					want = "answered 404: the application does not list its accounts"
				}
				if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "request "+request) {
					t.Errorf("%s: %v, want %q", request, err, want)
				}
				isFault(t, request, err, private)
			}
			isFault(t, "change", h.Change(t.Context(), account.HostChange{AccountID: "ann", New: "$2b$12$new"}), private)
		})
	}
}

// crowd puts more accounts into an application.
func crowd(t *testing.T, app *hostapp.App, n int) {
	t.Helper()
	for i := range n {
		a := ann()
		a.ID, a.Address = fmt.Sprintf("p%03d", i), fmt.Sprintf("p%03d@example.com", i)
		if err := app.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// A long page is asked for in parts whose answers are within bounds.
func TestLongPages(t *testing.T) {
	t.Parallel()
	app := hostapp.New()
	crowd(t, app, 250)
	requests := 0
	app.Before = func(string) { requests++ }
	h := serve(t, app)
	for _, tc := range []struct {
		after                     string
		limit, accounts, requests int
	}{
		{"", 1, 1, 1}, {"", 100, 100, 1}, {"", 230, 230, 3}, {"", 1000, 250, 4}, {"p199", 100, 50, 2}, {"p249", 100, 0, 1},
	} {
		requests = 0
		page, err := h.Accounts(t.Context(), tc.after, tc.limit)
		if err != nil || len(page) != tc.accounts || requests != tc.requests {
			t.Errorf("%+v: %d accounts by %d requests, %v", tc, len(page), requests, err)
		}
	}
}

// An application without the optional request is told from one that is unwell.
func TestNothingIsListed(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{404: true, 501: true, 500: false, 403: false, 401: false, 200: false} {
		h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if _, err := h.Accounts(t.Context(), "", 10); err == nil || errors.Is(err, account.ErrNotListed) != want {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// A walk ends although the application begins again with each page.
func TestPagesThatRepeat(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprintf(`{"id":"b%d","address":"","credential":""}`, i))
	}
	for name, body := range map[string]string{
		"twice":           `{"accounts":[{"id":"b","address":"","credential":""},{"id":"b","address":"","credential":""}]}`,
		"the page before": `{"accounts":[{"id":"b","address":"","credential":""},{"id":"a","address":"","credential":""}]}`,
		"too many":        `{"accounts":[` + strings.Join(many, ",") + `]}`,
	} {
		h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		if page, err := h.Accounts(t.Context(), "a", 10); err == nil || len(page) > 0 {
			t.Errorf("%s: %d accounts, %v", name, len(page), err)
		}
	}
}

func repeated(item string, n int) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }

func isFault(t *testing.T, request string, err error, private string) {
	t.Helper()
	if err == nil || errors.Is(err, account.ErrRefused) || errors.Is(err, account.ErrNotFound) || strings.Contains(err.Error(), private) {
		t.Errorf("%s: %v, want a fault", request, err)
	}
}

// The account of another ID is not believed.
func TestAnotherAccount(t *testing.T) {
	t.Parallel()
	h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"id":"bob","address":"bob@example.com","credential":null}`)
	}))
	if _, err := h.Account(t.Context(), "ann"); err == nil || !strings.Contains(err.Error(), "another account") {
		t.Errorf("error %v", err)
	}
	if a, err := h.Account(t.Context(), "bob"); err != nil || a.HasPassword() || !a.Resettable {
		t.Errorf("%+v, %v", a, err)
	}
}

// A language of another type is none, and refuses no account.
func TestLocaleOfAnyType(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"": "", `,"locale":null`: "", `,"locale":7`: "", `,"locale":{"tag":"de"}`: "", `,"locale":["de"]`: "", `,"locale":"de"`: "de",
	} {
		h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"id":"ann","address":"ann@example.com","credential":null`+written+`}`)
		}))
		if a, err := h.Account(t.Context(), "ann"); err != nil || a.Locale != want {
			t.Errorf("%s: %q, %v", written, a.Locale, err)
		}
	}
}

// security 23: an application that answers 200 and sets nothing is not believed. One whose account
// was changed or deleted since is.
func TestNothingIsSet(t *testing.T) {
	t.Parallel()
	puts := func(credential string) func(*hostapp.App) error {
		return func(app *hostapp.App) error {
			a := ann()
			a.Credential = credential
			return app.Put(t.Context(), a)
		}
	}
	for name, tc := range map[string]struct {
		bad  string
		then func(app *hostapp.App) error
		ok   bool
	}{
		"nothing":    {"sets nothing", func(*hostapp.App) error { return nil }, false},
		"set":        {"", func(*hostapp.App) error { return nil }, true},
		"set, gone":  {"", func(app *hostapp.App) error { return app.Delete(t.Context(), "ann") }, true},
		"cut":        {"", puts("$2b$12$n"), false},
		"hashed":     {"", puts(password.Bcrypt{Cost: 4, Letter: 'b'}.Hash("$2b$12$new", make([]byte, 16))), false},
		"its form":   {"", puts("$argon2id$v=19$m=8,t=1,p=1$AA$AA"), false},
		"set by ann": {"", puts("$2b$12$own"), true},
	} {
		app := hostapp.New(tc.bad)
		if err := app.Put(t.Context(), ann()); err != nil {
			t.Fatal(err)
		}
		app.After = func(request string) {
			if request == "change" {
				if err := tc.then(app); err != nil {
					t.Error(err)
				}
			}
		}
		err := serve(t, app).Change(t.Context(), account.HostChange{
			AccountID: "ann", Old: account.CredentialDigest(ann().Credential), New: "$2b$12$new", Submission: "s",
		})
		if (err == nil) != tc.ok || errors.Is(err, account.ErrRefused) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// security 10, 23: an account whose password is blocked keeps its form, has no password that is known,
// and gets a new one by an ordinary reset.
func TestBlockedPassword(t *testing.T) {
	t.Parallel()
	app := hostapp.New()
	old := ann()
	old.Credential = password.Bcrypt{Cost: 4, Letter: 'b'}.Hash("four otters row home", make([]byte, 16))
	if err := app.Put(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	ledger, err := bolt.OpenLedger(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	s := account.Beside(serve(t, app), ledger)
	block := account.Block{AccountID: "ann", Run: "run", At: time.Now(), Hash: func(stored string) (string, error) { return password.Unusable(stored, "run") }}
	var now account.Account
	for range 2 {
		if err := s.Block(t.Context(), block); err != nil {
			t.Fatal(err)
		}
		before := now
		if now, err = s.Account(t.Context(), "ann"); err != nil || before.Credential != "" && now.Credential != before.Credential {
			t.Fatalf("%s became %s, %v", before.Credential, now.Credential, err)
		}
	}
	if ok, err := password.Verify(now.Credential, "four otters row home"); ok || err != nil {
		t.Errorf("the old password verifies: %v, %v", ok, err)
	}
	token := account.TokenRecord{
		Key: account.RecordKey{1}, Scope: account.ScopePasswordReset, AccountID: "ann", Address: now.Address,
		Credential: account.CredentialDigest(now.Credential), Run: "another run", Mail: "1", Issued: time.Now(), Expires: time.Now(),
	}
	if _, err := s.IssueToken(t.Context(), token, 5); err != nil {
		t.Fatal(err)
	}
	like, err := password.Like(now.Credential)
	if err != nil {
		t.Fatal(err)
	}
	c := account.Change{Record: token.Key, Submission: "s", Run: token.Run, Hash: like.Hash("five badgers sing low", make([]byte, 16)), At: time.Now()}
	if _, err := s.ChangePassword(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// The request of a first password says that the address is verified; that of a reset has no new field.
func TestVerifiedIsSaid(t *testing.T) {
	t.Parallel()
	for verified, want := range map[bool]string{
		false: `{"id":"ann","old":"sha256:` + strings.Repeat("00", 32) + `","new":"new","submission":"s"}`,
		true:  `{"id":"ann","old":"sha256:` + strings.Repeat("00", 32) + `","new":"new","submission":"s","verified":true}`,
	} {
		var body []byte
		h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ = io.ReadAll(r.Body)
			w.WriteHeader(http.StatusForbidden)
		}))
		_ = h.Change(t.Context(), account.HostChange{AccountID: "ann", New: "new", Submission: "s", Verified: verified})
		if string(body) != want {
			t.Errorf("verified %v: %s", verified, body)
		}
	}
}

// A change is refused for good by the decisions of the contract only.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		want   error
		text   string
	}{
		{403, `{"error":"refused","reason":"under investigation"}`, account.ErrVeto, "under investigation"},
		{403, `{"error":"refused"}`, account.ErrVeto, "no reason was given"},
		{403, `{"error":"refused","reason":"` + strings.Repeat("x", 500) + "\"}", account.ErrVeto, strings.Repeat("x", 200) + `"`},
		{404, `{"error":"no_account"}`, account.ErrAccountGone, ""},
		{409, `{"error":"credential_changed"}`, account.ErrCredentialChanged, ""},
	} {
		h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			fmt.Fprint(w, tc.body)
		}))
		err := h.Change(t.Context(), account.HostChange{AccountID: "ann", New: "$2b$12$new"})
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) || len(err.Error()) > 300 {
			t.Errorf("%d %.40s: %v, want %v with %q", tc.status, tc.body, err, tc.want, tc.text)
		}
	}
}

// silence is an application that does not answer, and the context of a caller that ends when it has
// asked.
func silence(t *testing.T) (http.Handler, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // only then the server looks whether the client is there
		cancel()
		<-r.Context().Done()
	}), ctx
}

// The end of the caller's context is its own error, and not a fault of the application.
func TestSilence(t *testing.T) {
	t.Parallel()
	silent, ctx := silence(t)
	h := serve(t, silent)
	if _, err := h.Find(ctx, "ann@example.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := open(t, server.URL, hostapp.Secret(hostapp.Key)).Find(t.Context(), "ann@example.com")
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

// A wrong URL or secret is refused at the start, and not quoted.
func TestOpen(t *testing.T) {
	t.Parallel()
	good := hostapp.Secret(hostapp.Key)
	for _, tc := range []struct {
		url, secrets string
		want         error
	}{
		{"https://app.example.com/rekey", good, nil},
		{"http://127.0.0.1:8080", good + "\n" + hostapp.Secret(make([]byte, 24)) + "\n", nil},
		{"http://app.example.com/rekey", good, hosturl.ErrClear},
		{"https://ann:pw@app.example.com/", good, hosturl.ErrURL},
		{"https://app.example.com/?key=1", good, hosturl.ErrURL},
		{"app.example.com/rekey", good, hosturl.ErrURL},
		{"ftp://app.example.com/", good, hosturl.ErrURL},
		{"https:///rekey", good, hosturl.ErrURL},
		{"https://app.example.com", "", hosturl.ErrSecret},
		{"https://app.example.com", "hunter2", hosturl.ErrSecret},
		{"https://app.example.com", hostapp.Secret(make([]byte, 23)), hosturl.ErrSecret},
		{"https://app.example.com", hostapp.Secret(make([]byte, 65)), hosturl.ErrSecret},
		{"https://app.example.com", good + "\nhunter2", hosturl.ErrSecret},
	} {
		if _, err := hosturl.Open(tc.url, tc.secrets); !errors.Is(err, tc.want) || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want %v", tc.url, err, tc.want)
		}
	}
}

// A request is signed with each secret, so that the application may have either.
func TestRotation(t *testing.T) {
	t.Parallel()
	app := hostapp.New()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	for _, secrets := range []string{hostapp.Secret(make([]byte, 32)) + "\n" + hostapp.Secret(hostapp.Key), hostapp.Secret(hostapp.Key) + "\r\n" + hostapp.Secret(make([]byte, 32))} {
		if _, err := open(t, server.URL+"/rekey", secrets).Find(t.Context(), "ann@example.com"); err != nil {
			t.Error(err)
		}
	}
}
