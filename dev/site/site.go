package site

import (
	"crypto/rand"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/password"
)

// Site is a place where rekey is run. It has a Temporal server and a mail server elsewhere, a
// folder with keysets and a file with accounts.
type Site struct {
	Path         string // of the rekey that is run; empty is the one that Main builds
	Mail         *inbox.Inbox
	Temporal     *process.Process // nil when the site uses another's
	TemporalAddr string
	TemporalDB   string            // URL of the server's database; empty for temporal.db
	Volatile     bool              // the server keeps its runs in memory and loses them when it ends
	Dir          string            // holds the keysets in keys, accounts.db, temporal.db
	URL          string            // the base URL, where the starter listens
	Env          []string          // the settings of every command
	People       []account.Account // have the seeded password
	Patience     time.Duration     // how long a mail or an answer is waited for; it only bounds a test that has failed
}

// New makes a site whose namespace is not set up yet.
func New(t *testing.T) *Site {
	t.Helper()
	s := Bare(t)
	s.StartTemporal(t)
	s.settle(t)
	return s
}

// Shared makes a site that shares a Temporal server with other sites and has a task queue of its own.
func Shared(t *testing.T, temporalAddr string) *Site {
	t.Helper()
	s := At(t, temporalAddr, mails(t))
	s.Env = append(s.Env, "REKEY_TASK_QUEUE="+rand.Text())
	s.settle(t)
	return s
}

// settle makes the accounts of a site.
func (s *Site) settle(t *testing.T) {
	t.Helper()
	for _, name := range []string{"erin", "frank", "grace"} {
		s.People = append(s.People, Person(name))
	}
	s.Put(t, s.People...)
}

// Bare makes a site without accounts whose Temporal server does not run yet.
func Bare(t *testing.T) *Site {
	t.Helper()
	return At(t, FreeAddr(t), mails(t))
}

func mails(t *testing.T) *inbox.Inbox {
	t.Helper()
	mail, err := inbox.Start("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mail.Close() })
	return mail
}

// At makes a site without accounts that uses a Temporal server and a mail server that
// are there, or not.
func At(t *testing.T, temporalAddr string, mail *inbox.Inbox) *Site {
	t.Helper()
	s := &Site{Mail: mail, TemporalAddr: temporalAddr, Dir: t.TempDir(), URL: "http://" + FreeAddr(t), Patience: 2 * time.Minute}
	host, port, err := net.SplitHostPort(mail.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	s.Env = []string{
		"TEMPORAL_ADDRESS=" + temporalAddr, "REKEY_LOG_LEVEL=debug",
		"REKEY_KEYS=" + s.Keys(), "REKEY_STORE=" + s.File(), "REKEY_BASE_URL=" + s.URL,
		"REKEY_LISTEN=" + strings.TrimPrefix(s.URL, "http://"), "REKEY_LOGIN_URL=https://app.example.com/login",
		"REKEY_PRODUCT=Harbor", "REKEY_SUPPORT=help@example.com", "REKEY_FROM=no-reply@example.com",
		"REKEY_SMTP_HOST=" + host, "REKEY_SMTP_PORT=" + port, "REKEY_SMTP_SECURITY=none",
	}
	if err := keys.Create(s.Keys(), false); err != nil {
		t.Fatal(err)
	}
	return s
}

// Keys is the folder of keysets.
func (s *Site) Keys() string { return filepath.Join(s.Dir, "keys") }

// File holds the accounts.
func (s *Site) File() string { return filepath.Join(s.Dir, "accounts.db") }

// Person is an account with the seeded password.
func Person(name string) account.Account {
	cheapest := password.Params{Memory: 64, Time: 1, Threads: 1}
	return account.Account{
		ID: name, Address: name + "@example.com", Credential: cheapest.Hash(demo.Password, make([]byte, 16)), Resettable: true,
	}
}

// Put puts accounts into the file, as a host application does before a worker opens it.
func (s *Site) Put(t *testing.T, people ...account.Account) {
	t.Helper()
	s.Open(t, func(store *bolt.Store) {
		if err := store.PutMany(t.Context(), people); err != nil {
			t.Fatal(err)
		}
	})
}

// Open opens the accounts while no worker has them.
func (s *Site) Open(t *testing.T, use func(*bolt.Store)) {
	t.Helper()
	store, err := bolt.Open(s.File())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	use(store)
}

// FreeAddr is an address without a listener.
func FreeAddr(t *testing.T) string {
	t.Helper()
	addr, err := loopback.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return addr.String()
}
