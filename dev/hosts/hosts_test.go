// Package hosts runs the applications of docs/hosts/url.md with the libraries that they are for.
package hosts

import (
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

const (
	page = "../../docs/hosts/url.md"

	ann    = "ann@example.com"
	bob    = "bob@example.com"
	before = `six "grey" herons at dawn`
	after  = `sieben \graue\ Reiher's "é" 鷺`
)

// The application for better-auth keeps the contract. After a change better-auth's own sign-in takes
// the new password only, and the account's sessions are over.
func TestBetterAuth(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	app := install(t)
	app.ask(t, request{Do: "migrate"})
	app.takes(t, request{Do: "signUp", Email: ann, Password: before}, http.StatusOK)
	other := app.takes(t, request{Do: "signUp", Email: bob, Password: before}, http.StatusOK)

	host := app.start(t)
	host.Check(t.Context(), "Ann@example.com", func(rule string, err error) {
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	})

	cookie := app.takes(t, request{Do: "signIn", Email: ann, Password: before}, http.StatusOK)
	app.takes(t, request{Do: "signIn", Email: ann, Password: after}, http.StatusUnauthorized)
	app.signedIn(t, cookie, ann)
	change(t, host)
	app.takes(t, request{Do: "signIn", Email: ann, Password: before}, http.StatusUnauthorized)
	app.takes(t, request{Do: "signIn", Email: ann, Password: after}, http.StatusOK)
	app.signedIn(t, cookie, "")
	app.signedIn(t, other, bob)
	app.takes(t, request{Do: "signIn", Email: bob, Password: before}, http.StatusOK)
}

// change changes the password of an account as a worker does, with the record of a link.
func change(t *testing.T, host *hosturl.Host) {
	t.Helper()
	ledger, err := bolt.OpenLedger(filepath.Join(t.TempDir(), "ledger.db"))
	must(t, err)
	store := account.Beside(host, ledger)
	defer func() { must(t, store.Close()) }()
	found, err := store.Find(t.Context(), ann)
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("%d accounts", len(found))
	}
	like, err := password.Like(found[0].Credential)
	must(t, err)
	now := time.Now()
	link := account.TokenRecord{
		Key: account.RecordKey{1}, Scope: account.ScopePasswordReset, AccountID: found[0].ID, Address: found[0].Address,
		Credential: account.CredentialDigest(found[0].Credential), Run: rand.Text(), Mail: rand.Text(),
		Issued: now, Expires: now.Add(time.Hour),
	}
	_, err = store.IssueToken(t.Context(), link, 1)
	must(t, err)
	id, err := store.ChangePassword(t.Context(), account.Change{
		Record: link.Key, Submission: rand.Text(), Run: link.Run, Hash: like.Hash(after, []byte("0123456789abcdef")), At: now,
	})
	must(t, err)
	if id != found[0].ID {
		t.Errorf("changed account %q, want %q", id, found[0].ID)
	}
}

// betterAuth is an application in a folder with its libraries, and its database.
type betterAuth struct{ node, dir, database string }

// install installs the libraries from npm, as package-lock.json has them.
func install(t *testing.T) betterAuth {
	t.Helper()
	return betterAuth{suite.Program(t, "node", "nodejs"), process.NPM(t, "testdata"), postgrestest.Database(t)}
}

// request is one of testdata/app.mjs.
type request struct {
	Do       string `json:"do"`
	Email    string `json:"email,omitempty"`
	Password string `json:"password,omitempty"`
	Cookie   string `json:"cookie,omitempty"`
}

type answer struct {
	Status int    `json:"status"`
	Cookie string `json:"cookie"`
	Email  string `json:"email"` // of a session; empty for none
}

func (app betterAuth) ask(t *testing.T, asked request) (a answer) {
	t.Helper()
	process.Ask(t, app.dir, []string{"DATABASE_URL=" + app.database}, []string{app.node, "app.mjs"}, asked, &a)
	return a
}

// takes asks for a session, and wants a status.
func (app betterAuth) takes(t *testing.T, asked request, status int) (cookie string) {
	t.Helper()
	a := app.ask(t, asked)
	if a.Status != status {
		t.Errorf("%s of %s with %q: status %d, want %d", asked.Do, asked.Email, asked.Password, a.Status, status)
	}
	return a.Cookie
}

func (app betterAuth) signedIn(t *testing.T, cookie, want string) {
	t.Helper()
	if got := app.ask(t, request{Do: "session", Cookie: cookie}); got.Email != want {
		t.Errorf("the session is of %q, want %q", got.Email, want)
	}
}

// start starts the application of the page.
func (app betterAuth) start(t *testing.T) *hosturl.Host {
	t.Helper()
	text, err := os.ReadFile(page)
	must(t, err)
	_, rest, _ := strings.Cut(string(text), "\n```js\n")
	code, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatalf("%s has no block of js", page)
	}
	path := filepath.Join(app.dir, "host.mjs")
	must(t, os.WriteFile(path, []byte(code), 0o600))
	free, err := loopback.Free("127.0.0.1:0")
	must(t, err)
	secret := hostapp.Secret(hostapp.Key)
	process.Start(t, app.node, []string{"DATABASE_URL=" + app.database, "REKEY_SECRET=" + secret, "PORT=" + strconv.Itoa(free.Port)}, path)
	process.Succeeds(t, time.Minute, "the application listens", func() error {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", free.String())
		if err == nil {
			err = c.Close()
		}
		return err
	})
	host, err := hosturl.Open("http://"+free.String()+"/rekey", secret)
	must(t, err)
	t.Cleanup(host.Close)
	return host
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
