// Package flows_test runs flows of one's own as part of the whole product.
package flows_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	verifyemail "github.com/rekeyhq/rekey/examples/verify-email"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
)

const patience = time.Minute

// application notes which addresses are verified, and moves the clock of the product.
type application struct {
	t *testing.T
	*stack.Stack
	verify *starter.Client

	meanwhile func() // called by mark; nil does nothing

	mu    sync.Mutex
	told  []string       // types of events
	later time.Duration  // of the clock
	fails int            // calls that are still to fail
	calls map[string]int // of mark, by account and address
}

func (a *application) mark(_ context.Context, id, address string) error {
	if a.meanwhile != nil {
		a.meanwhile()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[id+" "+address]++
	if a.fails > 0 {
		a.fails--
		return errors.New("the application is away")
	}
	return nil
}

// Receive implements account.Receiver.
func (a *application) Receive(_ context.Context, _ string, event []byte) error {
	var e struct{ Type string }
	if err := json.Unmarshal(event, &e); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, e.Type)
	return nil
}

// heard reports whether an event was received.
func (a *application) heard(what string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.told, what)
}

func (a *application) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Add(a.later)
}

// marked is how often mark was called for a person's own address, and for anything else of theirs.
func (a *application) marked(id string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[id+" "+id+"@example.com"]
}

func start(t *testing.T, applied flow.HostEventType, people ...string) *application {
	t.Helper()
	a := &application{t: t, calls: map[string]int{}}
	cfg := stack.Throwaway(t.TempDir())
	cfg.Now, cfg.CoolDown, cfg.Receiver = a.now, time.Nanosecond, a
	verify := verifyemail.Flow(a.mark)
	verify.Applied = applied
	cfg.Flows = []activities.Flow{verify}
	cfg.Pages = func(mux *http.ServeMux, resets *starter.Client) {
		a.verify = verifyemail.Client(resets)
		mux.Handle("/account/verify-email/", verifyemail.Handler(a.verify))
		mux.Handle("/account/not-my-address/", verifyemail.Handler(a.verify))
	}
	cfg.Seed = func(ctx context.Context, s *bolt.Store) error {
		for _, id := range people {
			if err := s.Put(ctx, account.Account{ID: id, Address: id + "@example.com", Resettable: true, Disabled: id == "closed"}); err != nil {
				return err
			}
		}
		return nil
	}
	a.Stack = stacktest.Start(t, cfg)
	return a
}

var links = regexp.MustCompile(`http://\S+/account/(?:verify-email|not-my-address)/[A-Za-z0-9_-]+`)

// ask asks a person, and returns both links of the mail.
func (a *application) ask(id string) (yes, no string) {
	a.t.Helper()
	if err := a.verify.Demand(a.t.Context(), id+"@example.com", "sign-up", ""); err != nil {
		a.t.Fatal(err)
	}
	found := links.FindAllString(a.mails(id, 1)[0].Text, -1)
	if len(found) != 2 || !strings.HasPrefix(found[0], a.URL+"/account/verify-email/") || !strings.HasPrefix(found[1], a.URL+"/account/not-my-address/") {
		a.t.Fatalf("links %v", found)
	}
	return found[0], found[1]
}

func (a *application) mails(id string, n int) []inbox.Message {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	mails, err := a.Mail.Wait(ctx, id+"@example.com", n)
	if err != nil {
		a.t.Fatal(err)
	}
	return mails
}

// send makes a request with an empty body, and returns the page.
func (a *application) send(method, url string, want int) (page string) {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, url, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		a.t.Errorf("%s: %d, want %d: %s, %v", method, resp.StatusCode, want, b, err)
	}
	return string(b)
}

// ends waits for the end of a person's run and checks its state, and that it mailed no notice.
func (a *application) ends(id string, want statemachine.State) {
	a.t.Helper()
	temporal, err := client.Dial(a.TemporalOptions())
	if err != nil {
		a.t.Fatal(err)
	}
	defer temporal.Close()
	key, err := a.Keys.AccountKeys()
	if err != nil {
		a.t.Fatal(err)
	}
	process.Eventually(a.t, patience, "state "+string(want)+" of "+id, func() bool {
		run, err := temporal.DescribeWorkflowExecution(a.t.Context(), verifyemail.Definition.ID(key.Key(id+"@example.com")), "")
		if err != nil {
			a.t.Fatal(err)
		}
		state, _ := flow.StateOf(run.GetWorkflowExecutionInfo().GetSearchAttributes())
		return state == want && !flow.Open(run.GetWorkflowExecutionInfo().GetStatus())
	})
	if mails := a.mails(id, 1); len(mails) != 1 {
		a.t.Errorf("%d mails to %s", len(mails), id)
	}
}

// audited checks the events in the audit log of a person.
func (a *application) audited(id string, want ...account.Event) {
	a.t.Helper()
	log, err := a.Store.Audit(a.t.Context(), id)
	if err != nil {
		a.t.Fatal(err)
	}
	var got []string
	for _, e := range log {
		got = append(got, string(e.Event)+" "+e.Detail)
	}
	for i, e := range want {
		if len(got) != len(want) || !strings.HasPrefix(got[i], string(e)+" ") {
			a.t.Errorf("audit log of %s: %q, want %q", id, got, want)
			return
		}
	}
}

// The example of docs/flows.md, in the whole product: with its Temporal server, mails and pages.
func TestVerifyEmail(t *testing.T) {
	t.Parallel()
	a := start(t, "", "ann", "bob", "carol", "dave", "erin", "closed")

	t.Run("scanner, then a double click", func(t *testing.T) {
		a.t = t
		yes, _ := a.ask("ann")
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodGet} {
			a.send(method, yes, http.StatusOK)
		}
		if n := a.marked("ann"); n != 0 {
			t.Errorf("a GET marked the address, %d times", n)
		}
		var clicks sync.WaitGroup
		for range 2 {
			clicks.Go(func() {
				if page := a.send(http.MethodPost, yes, http.StatusOK); !strings.Contains(page, "is verified") {
					t.Errorf("the page says %s", page)
				}
			})
		}
		clicks.Wait()
		a.send(http.MethodPost, yes, http.StatusOK)
		a.ends("ann", statemachine.StateCompleted)
		if n := a.marked("ann"); n != 1 {
			t.Errorf("marked %d times", n)
		}
		a.audited("ann", account.EventMailIssued, account.EventApplied)
	})
	t.Run("links of others", func(t *testing.T) {
		a.t = t
		yes, no := a.ask("bob")
		token := func(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
		flipped := []byte(yes)
		flipped[len(flipped)-20] ^= 1
		for what, url := range map[string]string{
			"forged":                   string(flipped),
			"no token":                 a.URL + "/account/verify-email/x",
			"the link that cancels":    a.URL + "/account/verify-email/" + token(no),
			"the other way round":      a.URL + "/account/not-my-address/" + token(yes),
			"the link of a reset's":    a.URL + "/account/change-password/" + token(yes),
			"a cancel link of a reset": a.URL + "/account/cancel-reset/" + token(no),
		} {
			want := http.StatusGone
			if strings.Contains(what, "reset") {
				want = http.StatusMethodNotAllowed
			}
			t.Log(what)
			a.send(http.MethodPost, url, want)
		}
		for _, use := range []error{a.Starter.Confirm(t.Context(), token(yes)), a.Starter.Submit(t.Context(), token(yes), "seven otters rowing home"), a.Starter.Cancel(t.Context(), token(no))} {
			if !errors.Is(use, starter.ErrLinkInvalid) {
				t.Errorf("a link of this flow, used as that of a reset: %v", use)
			}
		}
		if n := a.marked("bob"); n != 0 {
			t.Errorf("marked %d times", n)
		}
		a.send(http.MethodPost, yes, http.StatusOK)
		if a.marked("bob") != 1 || a.marked("carol") != 0 {
			t.Errorf("calls %v", a.calls)
		}
		a.send(http.MethodPost, no, http.StatusGone) // too late
	})
	t.Run("canceled", func(t *testing.T) {
		a.t = t
		yes, no := a.ask("carol")
		a.send(http.MethodGet, no, http.StatusOK)
		a.send(http.MethodPost, no, http.StatusOK)
		a.send(http.MethodPost, no, http.StatusOK)
		a.send(http.MethodPost, yes, http.StatusGone)
		a.ends("carol", statemachine.StateCanceled)
		a.audited("carol", account.EventMailIssued, account.EventResetCanceled)
	})
	t.Run("the application is away for a moment", func(t *testing.T) {
		a.t = t
		yes, _ := a.ask("dave")
		a.mu.Lock()
		a.fails = 1
		a.mu.Unlock()
		process.Eventually(t, patience, "the answer", func() bool {
			return a.verify.Confirm(t.Context(), yes[strings.LastIndexByte(yes, '/')+1:]) == nil
		})
		if n := a.marked("dave"); n != 2 {
			t.Errorf("called %d times, want one more than failed", n)
		}
		a.ends("dave", statemachine.StateCompleted)
		a.audited("dave", account.EventMailIssued, account.EventApplied)
	})
	t.Run("a closed account", func(t *testing.T) {
		a.t = t
		if err := a.verify.Demand(t.Context(), "closed@example.com", "sign-up", ""); err != nil {
			t.Fatal(err)
		}
		process.Eventually(t, patience, "the line of the withheld mail", func() bool {
			log, err := a.Store.Audit(t.Context(), "closed")
			return err == nil && len(log) == 1 && log[0].Event == account.EventMailWithheld
		})
	})
	t.Run("expired", func(t *testing.T) {
		a.t = t
		yes, _ := a.ask("erin")
		a.mu.Lock()
		a.later = 25 * time.Hour
		a.mu.Unlock()
		a.send(http.MethodPost, yes, http.StatusGone)
		if n := a.marked("erin"); n != 0 {
			t.Errorf("marked %d times", n)
		}
	})
}

// A run that an operator terminates while the application does its part: the link says so, and the
// application is told the event of this flow, or none, and never that a password was changed.
func TestTerminatedVerification(t *testing.T) {
	t.Parallel()
	for _, applied := range []flow.HostEventType{"", "email.verified"} {
		t.Run(string(applied), func(t *testing.T) {
			t.Parallel()
			a := start(t, applied, "ann")
			temporal, err := client.Dial(a.TemporalOptions())
			if err != nil {
				t.Fatal(err)
			}
			defer temporal.Close()
			key, err := a.Keys.AccountKeys()
			if err != nil {
				t.Fatal(err)
			}
			a.meanwhile = sync.OnceFunc(func() {
				if err := temporal.TerminateWorkflow(context.WithoutCancel(t.Context()), verifyemail.Definition.ID(key.Key("ann@example.com")), "", "test"); err != nil {
					t.Error(err)
				}
			})
			yes, _ := a.ask("ann")
			process.Eventually(t, patience, "the answer", func() bool {
				return a.verify.Confirm(t.Context(), yes[strings.LastIndexByte(yes, '/')+1:]) == nil
			})
			if n := a.marked("ann"); n != 1 {
				t.Errorf("marked %d times", n)
			}
			a.audited("ann", account.EventMailIssued, account.EventApplied)
			run, err := temporal.DescribeWorkflowExecution(t.Context(), verifyemail.Definition.ID(key.Key("ann@example.com")), "")
			if err != nil {
				t.Fatal(err)
			}
			following := flow.FinishID(run.GetWorkflowExecutionInfo().GetExecution().GetRunId())
			if err := temporal.GetWorkflow(t.Context(), following, "").Get(t.Context(), nil); err != nil { // it has told its events
				t.Fatal(err)
			}
			if a.heard("password.changed") || a.heard(string(applied)) != (applied != "") {
				t.Errorf("told %q", a.told)
			}
		})
	}
}

// replayer replays runs of the flow as a worker would that picks them up.
func replayer(keysets keys.Dir) (*replay.Replayer, error) {
	codec, err := keysets.Payload()
	if err != nil {
		return nil, err
	}
	converter := keys.DataConverter(codec)
	return replay.New(replay.Config{
		Workflows: map[string]any{verifyemail.Definition.Name: verifyemail.Definition.Run},
		Values:    flow.Values(), DataConverter: converter, FailureConverter: keys.FailureConverter(converter),
		Codec: codec, Encoded: keys.IsSealed,
	})
}

// A run of the flow replays, and one that another build wrote otherwise does not.
func TestVerificationReplays(t *testing.T) {
	t.Parallel()
	a := start(t, "", "ann")
	yes, _ := a.ask("ann")
	a.send(http.MethodPost, yes, http.StatusOK)
	a.ends("ann", statemachine.StateCompleted)
	temporal, err := client.Dial(a.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer temporal.Close()
	key, err := a.Keys.AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	run := &historypb.History{}
	events := temporal.GetWorkflowHistory(t.Context(), verifyemail.Definition.ID(key.Key("ann@example.com")), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		run.Events = append(run.Events, e)
	}
	r, err := replayer(a.Keys)
	if err != nil {
		t.Fatal(err)
	}
	if warnings, err := r.Check(run); err != nil || len(warnings) > 0 {
		t.Errorf("%v, %v", warnings, err)
	}
	done := slices.IndexFunc(run.Events, func(e *historypb.HistoryEvent) bool {
		return e.GetEventType() == enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
	})
	run.Events = slices.Delete(run.Events, done, done+1) // as if an earlier build had not shown its end
	if _, err := r.Check(run); err == nil {
		t.Error("a run replays whose end another build wrote otherwise")
	}
}
