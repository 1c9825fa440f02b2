package e2e

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

var recordFor = flag.String("record", "", "release, such as v1.2.3, that the runs of all stories are recorded for")

// story is one reset, played on the product.
type story struct {
	name string
	flow flow.Definition        // a reset if it is none
	who  func(*account.Account) // makes the account a special one; without an ID there is none
	act  func(*owner)
	runs []storyRun // that come of it, the first one first
}

// storyRun is one run of a story: the name of its file, and the rules that make it that run.
type storyRun struct {
	name  string
	rules []rule
	flow  string // workflow type, a reset if it is empty
}

// one is a story of one run, which has the name of the story.
func one(name string, act func(*owner), rules ...rule) story {
	return story{name: name, act: act, runs: []storyRun{{name: name, rules: rules}}}
}

// with is the story of a special account.
func (s story) with(change func(*account.Account)) story {
	s.who = change
	return s
}

// of is the story of another flow.
func (s story) of(d flow.Definition) story {
	s.flow = d
	s.runs = slices.Clone(s.runs)
	for i := range s.runs {
		s.runs[i].flow = d.Name
	}
	return s
}

// set are the stories of one product.
type set struct {
	name           string
	life, coolDown time.Duration // of links, and between mails; 0 for the default
	inTurn         bool          // one story after the other: their workers are killed
	long           bool          // takes minutes
	tells          bool          // the application is told events
	stories        []story
}

func sets() []set {
	const none = time.Nanosecond
	return []set{
		{name: "used", coolDown: none, stories: slices.Concat(used(), usedFlows())},
		{name: "told", coolDown: none, tells: true, stories: heard()},
		// Their runs end a minute after their links, see grace in package workflow.
		{name: "unused", life: time.Second, coolDown: none, long: true, stories: slices.Concat(unused(), unusedFlows())},
		{name: "overdue", life: 5 * time.Second, inTurn: true, long: true, stories: overdue()},
		{name: "killed", coolDown: none, inTurn: true, long: true, stories: killed()},
	}
}

// TestStories plays each story on a product and checks its histories. With -record it plays all
// of them and writes the histories for later releases to replay:
//
//	go test ./dev/e2e -run TestStories -parallel 8 -record v1.2.3
//
// Nothing is written unless every run is as its name says, and no two are the same. The runs
// hold nothing of the machine. Clients have fixed names, and payloads are sealed under the
// keyset in workflow/testdata/keys, which production refuses.
func TestStories(t *testing.T) {
	t.Parallel()
	to := archive{filepath.Join(recorded, "histories"), *recordFor}
	if *recordFor != "" {
		if err := to.admits(); err != nil {
			t.Fatal(err)
		}
	}
	kept := &tape{runs: map[string]*recordedRun{}}
	t.Run("told", func(t *testing.T) {
		for _, s := range sets() {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				if s.long && *recordFor == "" {
					suite.Long(t)
				}
				kept.tell(t, s)
			})
		}
	})
	if err := apart(kept.runs); err != nil {
		t.Error(err)
	}
	if *recordFor == "" || t.Failed() {
		return
	}
	if got, want := len(kept.runs), len(allRuns()); got != want {
		t.Fatalf("%d of %d runs were told: nothing is written", got, want)
	}
	if err := to.add(kept.histories()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs are in %s. Now: go test ./workflow -run TestCost -update", len(kept.runs), to.folder())
}

// tape is the recording so far.
type tape struct {
	mu   sync.Mutex
	runs map[string]*recordedRun
}

func (k *tape) histories() map[string]*historypb.History {
	all := map[string]*historypb.History{}
	for name, r := range k.runs {
		all[name] = r.History
	}
	return all
}

// tell plays the stories of a set, on a product of their own.
func (k *tape) tell(t *testing.T, s set) {
	t.Helper()
	l := newLab(t, s)
	for _, story := range s.stories {
		t.Run(story.name, func(t *testing.T) {
			if !s.inTurn {
				t.Parallel()
			}
			runs, err := story.tell(t, l)
			if err != nil {
				t.Fatal(err)
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			maps.Copy(k.runs, runs)
		})
	}
}

// tell plays a story and returns its runs, which are as they should be.
func (s story) tell(t *testing.T, l *lab) (map[string]*recordedRun, error) {
	t.Helper()
	who := account.Account{ID: s.name, Address: s.name + "@example.com", Credential: cheap.Hash(demo.Password, make([]byte, 16)), Resettable: true}
	if s.who != nil {
		s.who(&who)
	}
	if who.ID != "" {
		if err := l.Store.Put(t.Context(), who); err != nil {
			return nil, err
		}
	}
	if s.flow.Name == "" {
		s.flow = workflow.ResetPassword
	}
	id := s.flow.ID(flow.AccountKey(workflowID(t, l.Stack, who.Address)))
	o := &owner{lab: l, t: t, who: who, id: id, flow: s.flow}
	s.act(o)
	histories := o.ended()
	if len(histories) != len(s.runs) {
		return nil, fmt.Errorf("%d runs, want %d", len(histories), len(s.runs))
	}
	runs, errs := map[string]*recordedRun{}, []error{}
	for i, r := range s.runs {
		got, err := readRun(histories[i], l.codec)
		if err == nil {
			err = r.check(got)
		}
		runs[r.name], errs = got, append(errs, err)
	}
	return runs, errors.Join(errs...)
}

// lab is a running product for stories, each with an account of its own.
type lab struct {
	*stack.Stack
	codec    *keys.Codec
	temporal client.Client // of an operator with the payload keys

	mu     sync.Mutex
	faults map[string]inbox.Fault // of the mail server, by recipient
}

// recorded has the keyset of recorded runs, and their histories.
var recorded = filepath.Join("..", "..", "workflow", "testdata")

// newLab starts a product under the checked-in keyset.
func newLab(t *testing.T, s set) *lab {
	t.Helper()
	cfg := stack.Throwaway(t.TempDir())
	cfg.LinkLife, cfg.CoolDown, cfg.Client = s.life, s.coolDown, anonymous("")
	if s.tells {
		cfg.Receiver = &hostapp.Told{}
	}
	if err := install(filepath.Join(recorded, "keys"), filepath.Join(cfg.Data, "keys")); err != nil {
		t.Fatal(err)
	}
	l := &lab{Stack: stacktest.Start(t, cfg), faults: map[string]inbox.Fault{}}
	l.Mail.Fail(l.fault)
	var err error
	if l.codec, err = l.Keys.Payload(); err != nil {
		t.Fatal(err)
	}
	l.temporal = temporalClient(t, l.Stack)
	return l
}

// install copies keysets to where they are read. Git keeps no permissions, and keysets
// that others may read are refused.
func install(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, use := range keys.Uses() {
		raw, err := os.ReadFile(filepath.Join(from, string(use)+".json"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, string(use)+".json"), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fail sets the fault of the mail server for mails to an address.
func (l *lab) fail(address string, f inbox.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[address] = f
}

func (l *lab) fault(m inbox.Message) error {
	l.mu.Lock()
	f := l.faults[m.To[0].Address]
	l.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(m)
}
