package topology

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestMain(m *testing.M) {
	os.Exit(site.Main(func() int { return postgrestest.Run(m) }))
}

// fleet is a site with several of each process.
type fleet struct {
	*site.Site

	accounts    *postgres.Accounts
	accountsURL string

	temporal client.Client
	workers  []*process.Process
	starters []*process.Process
	addrs    []string // where the starters listen
}

// newFleet makes a site with its runs in one database and its accounts in another. It runs so
// many workers and as many starters, which share the base URL.
func newFleet(t *testing.T, runs, accounts string, processes int) *fleet {
	t.Helper()
	f := &fleet{Site: site.Bare(t), accountsURL: accounts}
	f.Mail.Keep(math.MaxInt)
	f.TemporalDB, f.Patience = runs, patience
	f.Env = append(f.Env, "REKEY_STORE="+accounts, "REKEY_LOG_LEVEL=info", "REKEY_CLIENT_LIMIT=0", "REKEY_START_LIMIT=0")
	f.StartTemporal(t)
	f.Run(t, 0, "setup")
	f.Run(t, 0, "migrate")
	f.temporal, f.accounts = f.Dial(t), openAccounts(t, accounts)
	t.Cleanup(func() { _ = f.accounts.Close() })
	f.workers, f.starters = make([]*process.Process, processes), make([]*process.Process, processes)
	for n := range processes {
		f.addrs = append(f.addrs, site.FreeAddr(t))
		f.startWorker(t, n)
		f.startStarter(t, n)
	}
	balance(t, strings.TrimPrefix(f.URL, "http://"), f.addrs)
	return f
}

func (f *fleet) startWorker(t *testing.T, n int) {
	t.Helper()
	f.workers[n] = f.Worker(t)
}

func (f *fleet) startStarter(t *testing.T, n int) {
	t.Helper()
	f.starters[n] = f.Starter(t, "REKEY_LISTEN="+f.addrs[n])
}

// person is one of many, with a session from before.
type person struct {
	account.Account

	session string
	hashed  bool // is checked also by costly hashes
	again   bool // a repetition of the request has a run of its own
}

// settle puts n people into the store, over connections that end: their work is then counted
// when a ledger begins.
func (f *fleet) settle(t *testing.T, n int) (people []*person) {
	t.Helper()
	store := openAccounts(t, f.accountsURL)
	var all []account.Account
	for i := range n {
		all = append(all, site.Person(fmt.Sprintf("person-%03d", i)))
	}
	if err := store.PutMany(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		session, err := store.NewSession(t.Context(), a.ID, a.Credential)
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, &person{Account: a, session: session})
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return people
}

func openAccounts(t *testing.T, database string) *postgres.Accounts {
	t.Helper()
	store, err := postgres.OpenAccounts(t.Context(), postgres.Config{URL: database})
	if err != nil {
		t.Fatal(err)
	}
	return store
}
