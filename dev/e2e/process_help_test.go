package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/temporal"
)

// build builds the program once, into the folder of the shared stack, which goes away
// with it.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(shared.Data, "rekey")
	out, err := exec.Command("go", "build", "-o", path, "github.com/rekeyhq/rekey/cmd/rekey").CombinedOutput()
	if err != nil {
		err = &buildError{string(out), err}
	}
	return path, err
})

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.out }

// site is a place where rekey is run as its operators do: a Temporal server and a mail
// server that are somewhere else, a folder with keysets and a bbolt file with accounts.
type site struct {
	server *temporal.Server
	mail   *inbox.Inbox
	dir    string
	url    string // the base URL: where the starter is told to listen
	env    []string
	people []account.Account
}

// newSite makes a site whose namespace is not set up yet.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	var err error
	if s.server, err = temporal.Start(t.Context(), s.temporal("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.server.Stop() })
	if s.mail, err = inbox.Start("", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.mail.Close() })
	s.run(t, 0, "keys", "new", filepath.Join(s.dir, "keys"))
	s.settle(t)
	s.putPeople(t)
	return s
}

// temporal are the options of the site's server: it keeps a file, so that it can go away
// and come back.
func (s *site) temporal(addr string) temporal.Options {
	return temporal.Options{File: filepath.Join(s.dir, "temporal.db"), Addr: addr}
}

// settle writes down the settings of both processes; what they say most is logged.
func (s *site) settle(t *testing.T) {
	t.Helper()
	s.url = "http://" + freeAddr(t)
	host, port, err := net.SplitHostPort(s.mail.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	s.env = []string{
		"TEMPORAL_ADDRESS=" + s.server.Addr(), "REKEY_LOG_LEVEL=debug",
		"REKEY_KEYS=" + filepath.Join(s.dir, "keys"), "REKEY_STORE=" + s.file(), "REKEY_BASE_URL=" + s.url,
		"REKEY_LISTEN=" + strings.TrimPrefix(s.url, "http://"), "REKEY_LOGIN_URL=https://app.example.com/login",
		"REKEY_PRODUCT=Harbor", "REKEY_SUPPORT=help@example.com", "REKEY_FROM=no-reply@example.com",
		"REKEY_SMTP_HOST=" + host, "REKEY_SMTP_PORT=" + port, "REKEY_SMTP_SECURITY=none",
	}
}

func (s *site) file() string { return filepath.Join(s.dir, "accounts.db") }

// putPeople puts accounts into the file, as a host application does before a worker
// opens it.
func (s *site) putPeople(t *testing.T) {
	t.Helper()
	hash := cheap.Hash(demo.Password, make([]byte, 16))
	for _, name := range []string{"erin", "frank", "grace"} {
		s.people = append(s.people, account.Account{ID: name, Address: name + "@example.com", Credential: hash, Resettable: true})
	}
	s.open(t, func(store *bolt.Store) {
		if err := store.PutMany(t.Context(), s.people); err != nil {
			t.Fatal(err)
		}
	})
}

// open opens the accounts while no worker has them.
func (s *site) open(t *testing.T, use func(*bolt.Store)) {
	t.Helper()
	store, err := bolt.Open(s.file())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	use(store)
}

// start starts a command with the site's settings; what is in more counts before them.
func (s *site) start(t *testing.T, more []string, args ...string) *process.Process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return process.Start(t, path, append(s.env, more...), args...)
}

// run waits for the end of a command and checks its exit code.
func (s *site) run(t *testing.T, code int, args ...string) *process.Process {
	t.Helper()
	p := s.start(t, nil, args...)
	if got := p.Exit(t); got != code {
		t.Fatalf("rekey %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, p.Out, p.Err)
	}
	return p
}

// worker and starter run until they say that they work.
func (s *site) worker(t *testing.T) *process.Process {
	t.Helper()
	p := s.start(t, nil, "worker")
	p.Await(t, p.Err, `"worker started"`)
	return p
}

func (s *site) starter(t *testing.T) *process.Process {
	t.Helper()
	p := s.start(t, nil, "starter")
	p.Await(t, p.Err, `"starter listens"`)
	return p
}

// post sends JSON and returns the header of the answer too.
func (s *site) post(t *testing.T, path, body string) (answer, http.Header) {
	t.Helper()
	resp, err := http.Post(s.url+path, "application/json", strings.NewReader(body))
	a := read(t, resp, err)
	return a, resp.Header
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	addr, err := temporal.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return addr.String()
}

// lastLine is the error that a command ended with.
func lastLine(p *process.Process) string {
	lines := strings.Split(strings.TrimSpace(p.Err.String()), "\n")
	return lines[len(lines)-1]
}

// checkJSON checks that every line of a log is JSON.
func checkJSON(t *testing.T, p *process.Process) {
	t.Helper()
	for line := range strings.Lines(p.Err.String()) {
		if err := json.Unmarshal([]byte(line), &struct{}{}); err != nil {
			t.Errorf("log line %q: %v", line, err)
		}
	}
}
