package one

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// proxy is in front of the site. While it drains it answers requests for links itself, as
// docs/grow.md lets it.
type proxy struct {
	drains atomic.Bool
	to     atomic.Pointer[string]
	turn   atomic.Int64
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.drains.Load() && r.Method == http.MethodPost && r.URL.Path == "/account/forgot_password" {
		w.Header().Set("Retry-After", "1800")
		http.Error(w, `{"status":"error","code":"unavailable"}`, http.StatusServiceUnavailable)
		return
	}
	all := strings.Fields(*p.to.Load())
	to := &url.URL{Scheme: "http", Host: all[int(p.turn.Add(1))%len(all)]}
	(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}).ServeHTTP(w, r)
}

func (p *proxy) leadsTo(addresses ...string) {
	all := strings.Join(addresses, " ")
	p.to.Store(&all)
}

// growing is a machine beside an application behind a URL, with a proxy in front.
type growing struct {
	*site.Site
	app   *hostapp.App
	front *proxy
}

func newGrowing(t *testing.T) *growing {
	t.Helper()
	g := &growing{Site: site.One(t), app: hostapp.New(), front: &proxy{}}
	for _, a := range g.People {
		if err := g.app.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(g.File()); err != nil { // the accounts are in the application alone
		t.Fatal(err)
	}
	app, front := httptest.NewServer(g.app), httptest.NewServer(g.front)
	t.Cleanup(app.Close)
	t.Cleanup(front.Close)
	secret := filepath.Join(t.TempDir(), "users.secret")
	if err := os.WriteFile(secret, []byte(hostapp.Secret(hostapp.Key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.URL = front.URL
	g.front.leadsTo(g.Setting("REKEY_LISTEN"))
	g.Env = append(
		g.Env, "REKEY_BASE_URL="+g.URL, "REKEY_STORE=", "REKEY_USERS_URL="+app.URL+"/rekey", "REKEY_USERS_SECRET_FILE="+secret,
		"REKEY_LINK_LIFE=1m", "REKEY_COOL_DOWN=1s", "REKEY_CLIENT_LIMIT=0",
	)
	return g
}

// passwordIs checks a password in the application, and that its owner has so many mails: links, and a
// notice of each change.
func (g *growing) passwordIs(t *testing.T, who account.Account, want string, mails int) {
	t.Helper()
	now, err := g.app.Account(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, want); !right || err != nil {
		t.Errorf("%s has another password: %v", who.ID, err)
	}
	if got := len(g.Mails(t, who, mails)); got != mails {
		t.Errorf("%s has %d mails, want %d", who.ID, got, mails)
	}
}

// open are the open runs that `rekey stats` counts.
func (g *growing) open(t *testing.T) (runs int) {
	t.Helper()
	var stats struct{ Open []struct{ Runs int } }
	if err := json.Unmarshal([]byte(g.Run(t, 0, "stats", "--json").Out.String()), &stats); err != nil {
		t.Fatal(err)
	}
	for _, age := range stats.Open {
		runs += age.Runs
	}
	return runs
}

var errOpen = errors.New("resets are open")

// The way of docs/grow.md: from SQLite and records in a file to PostgreSQL by draining, and from there
// to a Temporal cluster with several workers and starters with all open resets.
func TestGrow(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	g := newGrowing(t)
	erin, frank, grace := g.People[0], g.People[1], g.People[2]
	p := g.StartOne(t)
	g.Forgot(t, erin)
	g.Forgot(t, frank)
	late, unused := g.Token(t, erin, 1), g.Token(t, frank, 1)

	// Draining.
	g.front.drains.Store(true)
	begun := time.Now()
	if a, err := g.Try("/account/forgot_password", map[string]string{"email": grace.Address}); err != nil || a.HTTP != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "1800" {
		t.Errorf("a request while it drains: %+v, %v", a, err)
	}
	g.Insist(t, late, newPassword) // a link that was mailed before works
	process.Succeeds(t, 2*g.Patience, "it drains", func() error {
		if g.open(t) > 0 {
			return errOpen
		}
		return nil
	})
	drained := time.Since(begun)
	stop(t, p)
	database := postgrestest.Start(t)
	records, runs := database.Database(t), database.Database(t)
	g.Env = append(g.Env, "REKEY_STORE="+records, "REKEY_TEMPORAL_DB="+runs)
	begun = time.Now()
	p = g.StartOne(t)
	g.front.drains.Store(false)
	t.Logf("drained in %v with links of a minute; on PostgreSQL %v later", drained, time.Since(begun))
	if a := g.Decide(t, unused, newPassword); a.Code != "link_expired" {
		t.Errorf("a link from before: %+v", a)
	}
	g.passwordIs(t, erin, newPassword, 2)

	// With all open resets: one has mailed its link, one could not yet.
	g.Forgot(t, frank)
	mailed := g.Token(t, frank, 2)
	g.Mail.Fail(func(inbox.Message) error { return inbox.ErrDropped })
	g.Forgot(t, grace)
	process.Succeeds(t, g.Patience, "both are open", func() error {
		if g.open(t) != 2 {
			return errOpen
		}
		return nil
	})
	begun = time.Now()
	stop(t, p)
	g.Mail.Fail(nil)
	alone := g.Env
	many := g.cluster(t, runs)
	t.Logf("from one process to many in %v", time.Since(begun))
	g.Insist(t, mailed, newPassword)
	g.Insist(t, g.Token(t, grace, 1), newPassword)
	g.passwordIs(t, frank, newPassword, 3)
	g.passwordIs(t, grace, newPassword, 2)
	g.Forgot(t, erin) // and new ones
	g.Insist(t, g.Token(t, erin, 3), "plum velvet thirty gulls")
	g.passwordIs(t, erin, "plum velvet thirty gulls", 4)
	if n := g.open(t); n > 0 {
		t.Errorf("%d are open", n)
	}

	// And back.
	g.Forgot(t, grace)
	back := g.Token(t, grace, 3)
	for _, p := range slices.Backward(many) {
		stop(t, p)
	}
	g.Env = alone
	g.front.leadsTo(g.Setting("REKEY_LISTEN"))
	g.StartOne(t)
	g.Insist(t, back, "plum velvet thirty gulls")
	g.passwordIs(t, grace, "plum velvet thirty gulls", 4)
}

// cluster starts two members of a Temporal cluster, and on it two workers and two starters with the
// same keysets. It returns them in the order of starting.
func (g *growing) cluster(t *testing.T, runs string) (all []*process.Process) {
	t.Helper()
	first, address := member(t, runs)
	second, _ := member(t, runs)
	all = append(all, first, second)
	g.TemporalAddr = address
	g.Env = append(slices.Clone(g.Env), "TEMPORAL_CONFIG_FILE="+os.DevNull, "TEMPORAL_ADDRESS="+address, "REKEY_TEMPORAL_DB=", "REKEY_DATA=")
	g.Run(t, 0, "setup")
	var listen []string
	for range 2 {
		at := site.FreeAddr(t)
		all = append(all, g.Worker(t), g.Starter(t, "REKEY_LISTEN="+at))
		listen = append(listen, at)
	}
	g.front.leadsTo(listen...)
	return all
}
