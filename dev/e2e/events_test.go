package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/keys"
	rekeyreplay "github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// listening is a product whose application is told events behind a URL.
func listening(t *testing.T) (*stack.Stack, *hostapp.Receiver) {
	t.Helper()
	app := &hostapp.Receiver{}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	receiver, err := hosturl.OpenReceiver(server.URL+"/rekey/events", hostapp.Secret(hostapp.Key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Close)
	return start(t, func(c *stack.Config) { c.Receiver, c.CoolDown = receiver, time.Nanosecond }), app
}

// toldOf are the types of the events about an account, each once, in the order of their names.
func toldOf(app *hostapp.Receiver, who account.Account) []string {
	var types []string
	for _, e := range app.Events() {
		if e.Data.Account == who.ID {
			types = append(types, e.Type)
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// hears waits until the application was told of all these events of an account, and of no others.
func hears(t *testing.T, app *hostapp.Receiver, who account.Account, want ...string) {
	t.Helper()
	process.Eventually(t, patience, "events", func() bool { return len(toldOf(app, who)) >= len(want) })
	if got := toldOf(app, who); !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// The application is told of a reset, of a cancel, and of nobody without an account. Whole resets
// cost an activity for each event, and one version.
func TestApplicationIsTold(t *testing.T) {
	t.Parallel()
	s, app := listening(t)
	who, canceled := newPerson(t, s, nil), newPerson(t, s, nil)
	forgot(t, s, "nobody@example.com")
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	hears(t, app, who, "password.changed", "reset.requested")
	waitFor(t, s, who, statemachine.StateCompleted)

	forgot(t, s, canceled.Address)
	_, toCancel := tokens(t, s, canceled.Address, 1)
	hears(t, app, canceled, "reset.requested") // so that the run has heard of its mail
	if a := post(t, s, "/account/cancel_reset/"+toCancel, struct{}{}); a.code != 200 {
		t.Fatalf("cancel: %+v", a)
	}
	hears(t, app, canceled, "reset.canceled", "reset.requested")
	if n := len(app.Events()); n != 4 {
		t.Errorf("%d events, want 4", n)
	}
	for _, e := range app.Events() {
		if e.ID == "" || e.Data.Run == "" || e.Data.Address != "" || e.Timestamp.IsZero() {
			t.Errorf("event %+v", e)
		}
	}
	costs(t, s, who, 6, 1)
	replays(t, s, who)
	replays(t, s, canceled)
	costs(t, shared, changedOf(t, shared), 4, 0)
}

// changedOf is a person after a reset.
func changedOf(t *testing.T, s *stack.Stack) account.Account {
	t.Helper()
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	waitForTimer(t, s, who.Address)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	return who
}

// costs checks the activities and markers of the newest run of a person.
func costs(t *testing.T, s *stack.Stack, who account.Account, activities, markers int) {
	t.Helper()
	n := events(t, s, who.Address)
	if a, m := n[enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED], n[enumspb.EVENT_TYPE_MARKER_RECORDED]; a != activities || m != markers {
		t.Errorf("%d activities and %d markers, want %d and %d", a, m, activities, markers)
	}
}

// An application that is unwell delays neither the change nor the notice nor another reset of the
// same account. It is told when it is well again, by the run that went on.
func TestUnwellApplication(t *testing.T) {
	t.Parallel()
	s, app := listening(t)
	who := newPerson(t, s, nil)
	var well atomic.Bool
	var refused atomic.Int64
	app.Before = func(w http.ResponseWriter, r *http.Request, _ hostapp.Event) bool {
		if well.Load() {
			return false
		}
		switch refused.Add(1) % 3 {
		case 0:
			http.Redirect(w, r, "https://elsewhere.example.com/", http.StatusTemporaryRedirect)
		case 1:
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return true
	}
	for n := range 2 {
		forgot(t, s, who.Address)
		token, _ := tokens(t, s, who.Address, 2*n+1)
		if a := reset(t, s, token, []string{newPassword, otherPassword}[n]); a.code != 200 {
			t.Fatalf("reset: %+v", a)
		}
		mailed(t, s, who.Address, 2*n+2)
	}
	if refused.Load() == 0 || len(app.Events()) > 0 {
		t.Fatalf("%d events were refused, %d received", refused.Load(), len(app.Events()))
	}
	if err := s.StopWorker(); err != nil { // the next one replays both runs
		t.Fatal(err)
	}
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	well.Store(true)
	process.Eventually(t, patience, "both changes", func() bool {
		ids := map[string]bool{}
		for _, e := range app.Events() {
			if e.Type == "password.changed" {
				ids[e.ID] = true
			}
		}
		return len(ids) == 2
	})
	waitFor(t, s, who, statemachine.StateCompleted)
	replays(t, s, who)
}

// replays replays the newest run of a person, as strictly as a release does.
func replays(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	replaysRun(t, s, workflowID(t, s, who.Address))
}

// replaysRun replays the newest run of a workflow ID, and returns its history.
func replaysRun(t *testing.T, s *stack.Stack, id string) *historypb.History {
	t.Helper()
	codec, err := s.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	converter := keys.DataConverter(codec)
	r, err := rekeyreplay.New(rekeyreplay.Config{
		Workflows: workflow.Workflows(), Values: flow.Values(),
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), Codec: codec, Encoded: keys.IsSealed,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &historypb.History{}
	found := temporalClient(t, s).GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for found.HasNext() {
		e, err := found.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, e)
	}
	if _, err := r.Check(h); err != nil {
		t.Error(err)
	}
	return h
}

// After a workflow reset the application hears the same events, under the same IDs.
func TestWorkflowResetTellsTheSameEvents(t *testing.T) {
	t.Parallel()
	s, app := listening(t)
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	mailed(t, s, who.Address, 2)
	waitFor(t, s, who, statemachine.StateCompleted)
	o := operatorOf(t, s, who)
	for range 2 {
		before := o.current(t)
		o.resetTo(t, before, lastTold(t, o, before))
		o.endsAfter(t, before)
	}
	bodies := map[string]string{}
	for _, e := range app.Events() {
		if was := bodies[e.ID]; was != "" && was != e.Body {
			t.Errorf("the event %s is %s, and was %s", e.ID, e.Body, was)
		}
		bodies[e.ID] = e.Body
	}
	if n := len(app.Events()); len(bodies) != 2 || n == 2 {
		t.Errorf("%d events in %d requests, want 2 in more", len(bodies), n)
	}
}

// lastTold is the workflow task of a run that has begun to tell of the change.
func lastTold(t *testing.T, o stranger, run string) (task int64) {
	t.Helper()
	events := o.GetWorkflowHistory(t.Context(), o.id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == flow.TellHost {
			task = a.GetWorkflowTaskCompletedEventId()
		}
	}
	return task
}

// silent is an application that takes every event and answers none.
type silent struct {
	asked atomic.Int64
	until chan struct{}
}

func (s *silent) Receive(context.Context, string, []byte) error {
	s.asked.Add(1)
	<-s.until
	return nil
}

// 200 events that hang delay no reset. None of them ends before the reset has.
func TestHangingEventsDelayNoReset(t *testing.T) {
	t.Parallel()
	app := &silent{until: make(chan struct{})}
	s := start(t, func(c *stack.Config) { c.Receiver = app })
	t.Cleanup(func() { close(app.until) }) // before the worker stops
	for range 200 {
		forgot(t, s, newPerson(t, s, nil).Address)
	}
	const slots = 100 // see mostTelling of package activities
	process.Eventually(t, patience, "events that hang", func() bool { return app.asked.Load() >= slots })
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("reset: %+v", a)
	}
	mailed(t, s, who.Address, 2)
	if n := app.asked.Load(); n != slots {
		t.Errorf("%d events hang, want %d", n, slots)
	}
}

// security 47: a run is terminated after its change, while the application is away. The run that
// follows it tells the application, under the same ID.
func TestTerminatedBeforeTheApplicationIsTold(t *testing.T) {
	t.Parallel()
	s, app := listening(t)
	var takes atomic.Bool
	refuseNotices(s, &takes)
	who := newPerson(t, s, nil)
	seen := make(chan string, 1)
	app.Before = func(w http.ResponseWriter, _ *http.Request, e hostapp.Event) bool {
		if takes.Load() || e.Type != "password.changed" {
			return false
		}
		select {
		case seen <- e.ID:
		default:
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	first := <-seen
	operatorOf(t, s, who).terminate(t)
	takes.Store(true)
	get(t, s, "/account/reset_password/"+token) // the starter has the run followed at once
	hears(t, app, who, "password.changed", "reset.requested")
	for _, e := range app.Events() {
		if e.Type == "password.changed" && e.ID != first {
			t.Errorf("the event has the ID %s, and %s before", e.ID, first)
		}
	}
	finished(t, s, who)
}
