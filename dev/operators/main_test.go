package operators

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/one/temporal"
	"github.com/rekeyhq/rekey/worker"
)

// server is the Temporal server of all rooms but those whose test stops it.
var server *temporal.Server

func TestMain(m *testing.M) {
	os.Exit(site.Main(func() int {
		var err error
		if server, err = temporal.Start(context.Background(), temporal.Options{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer server.Stop()
		return postgrestest.Run(m)
	}))
}

const (
	newPassword = "plum velvet thirty gulls"
	patience    = 2 * time.Minute
)

// room is a site with an operator, who has own key files and whose commands are kept.
type room struct {
	*site.Site
	keys string // folder with account.json and payload.json
	said strings.Builder
}

func newRoom(t *testing.T, people ...string) *room {
	t.Helper()
	return roomAt(t, site.Shared(t, server.Addr()), people...)
}

func roomAt(t *testing.T, s *site.Site, people ...string) *room {
	t.Helper()
	r := &room{Site: s, keys: filepath.Join(t.TempDir(), "operator")}
	for _, name := range people {
		r.People = append(r.People, site.Person(name))
	}
	r.Put(t, r.People...)
	r.Env = append(r.Env, "REKEY_OPERATOR=a.smith", "REKEY_COOL_DOWN=1s", "REKEY_CLIENT_LIMIT=0")
	r.give(t, "account.json", "payload.json")
	if err := worker.Setup(t.Context(), r.Dial(t), client.DefaultNamespace); err != nil {
		t.Fatal(err)
	}
	return r
}

// give copies the operator's key files.
func (r *room) give(t *testing.T, files ...string) {
	t.Helper()
	if err := os.MkdirAll(r.keys, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(r.Keys(), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(r.keys, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// operate runs a command of the operator and checks its exit code.
func (r *room) operate(t *testing.T, code int, args ...string) *process.Process {
	t.Helper()
	p := r.Start(t, []string{"REKEY_KEYS=" + r.keys}, args...)
	if got := p.Exit(t); got != code {
		t.Fatalf("rekey %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, p.Out, p.Err)
	}
	r.said.WriteString(p.Out.String() + p.Err.String())
	return p
}

// answered checks that a command says this, in its output or its error.
func answered(t *testing.T, p *process.Process, want string) {
	t.Helper()
	if got := p.Out.String() + p.Err.String(); !strings.Contains(got, want) {
		t.Errorf("the command says %q, want %q in it", got, want)
	}
}

// found is a run in the output of `rekey find --json`.
type found struct {
	Run     string `json:"run_id"`
	ID      string `json:"workflow_id"`
	State   string
	Open    bool
	Mails   int
	Mailing *struct {
		Attempt int
		Next    time.Time
	}
	Started, Ended, Expires time.Time
	Withheld, URL           string
	Sealed                  bool
}

func (r *room) find(t *testing.T, address string) (all []found) {
	t.Helper()
	decode(t, r.operate(t, 0, "find", "--json", address), &all)
	return all
}

// findUntil looks at the newest run of a person until it is as wanted.
func (r *room) findUntil(t *testing.T, address, what string, is func(found) bool) (now found) {
	t.Helper()
	process.Eventually(t, patience, what, func() bool {
		now = r.find(t, address)[0]
		return is(now)
	})
	return now
}

func inState(state string) func(found) bool { return func(f found) bool { return f.State == state } }

func decode(t *testing.T, p *process.Process, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.Out.String()), to); err != nil {
		t.Fatalf("%v in %s", err, p.Out)
	}
}

func stop(t *testing.T, p *process.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
}

// line is the tested part of an audit entry.
type line struct {
	Event    account.Event
	Operator string
	Detail   string
}

// audited compares an account's audit log, once no worker has the store.
func (r *room) audited(t *testing.T, who account.Account, want ...line) {
	t.Helper()
	r.Open(t, func(store *bolt.Store) {
		log, err := store.Audit(t.Context(), who.ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []line
		for _, e := range log {
			if got = append(got, line{e.Event, e.Operator, e.Detail}); e.Operator != "" && e.Client != "" {
				t.Errorf("%s is by a client and an operator", e.Event)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("audit log of %s (-want +got):\n%s", who.ID, diff)
		}
	})
}

var token = regexp.MustCompile(`/account/(?:change-password|cancel-reset)/([A-Za-z0-9_-]+)`)

// toldNothing looks for secrets that no command may print: links, their tokens and addresses.
//
// security 42.
func (r *room) toldNothing(t *testing.T) {
	t.Helper()
	said, links := r.said.String(), 0
	now, cancel := context.WithCancel(t.Context())
	cancel()
	for _, who := range r.People {
		mails, _ := r.Mail.Wait(now, who.Address, 1)
		for _, m := range mails {
			for _, link := range token.FindAllStringSubmatch(m.Text, -1) {
				if links++; strings.Contains(said, link[1]) || strings.Contains(said, link[1][20:80]) {
					t.Error("a command printed a token")
				}
			}
		}
		if strings.Contains(said, who.Address) {
			t.Error("a command printed an address")
		}
	}
	if links == 0 || !strings.Contains(said, "reset/") {
		t.Errorf("%d links, %d bytes printed: what is not found there proves nothing", links, len(said))
	}
}
