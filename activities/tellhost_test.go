package activities_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
)

// changedEvent is that of the change of changedSite.
var changedEvent = flow.HostEvent{
	Type: flow.HostPasswordChanged, Run: run, Sender: run, Submission: notice.Submission, Account: ann.ID, At: start,
}

// listening gives a site an application that is told events.
func (s *site) listening(t *testing.T) *hostapp.Receiver {
	t.Helper()
	app := &hostapp.Receiver{}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	r, err := hosturl.OpenReceiver(server.URL, hostapp.Secret(hostapp.Key))
	must(t, err)
	t.Cleanup(r.Close)
	s.Receiver = r
	return app
}

func (s *site) tell(t *testing.T, e flow.HostEvent) (told flow.Told, err error) {
	t.Helper()
	_, err = s.attempt(t, "tell-host", e, &told, nil)
	return told, err
}

// heard are the received events, by type, account and time.
func heard(app *hostapp.Receiver) (all []string) {
	for _, e := range app.Events() {
		all = append(all, strings.Join([]string{e.Type, e.Data.Account, e.Timestamp.Format(time.RFC3339Nano)}, " "))
	}
	return all
}

// security 47: the event of a change has the account and the time of the store. An address is in it
// only where that was asked for. All attempts have one ID.
func TestChangeIsTold(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	app := s.listening(t)
	forged := changedEvent
	forged.Account, forged.At = "mallory", start.AddDate(1, 0, 0)
	for _, e := range []flow.HostEvent{changedEvent, forged} {
		got, err := s.tell(t, e)
		must(t, err)
		diff(t, "result", got, flow.Told{Of: run + "/password.changed/applied"})
	}
	s.WithAddress = true
	_, err := s.tell(t, changedEvent)
	must(t, err)
	const one = "password.changed ann 2026-03-01T12:00:00.5Z"
	diff(t, "told", heard(app), []string{one, one, one})
	got := app.Events()
	if got[0].ID == "" || got[0].ID != got[2].ID || got[0].Data.Run != run {
		t.Errorf("events %+v", got)
	}
	diff(t, "addresses", got[0].Data.Address+","+got[2].Data.Address, ","+ann.Address)

	isDocumented(t, got[2].Body)

	other := changedEvent
	other.Submission = "second"
	s.applied(t, account.Account{ID: ann.ID, Address: ann.Address, Credential: "$argon2id$new"}, run, other.Submission)
	_, err = s.tell(t, other)
	must(t, err)
	if got := app.Events(); got[3].ID == got[0].ID {
		t.Error("two changes have one event")
	}
}

// isDocumented compares an event with the example in the documentation.
func isDocumented(t *testing.T, event string) {
	t.Helper()
	page, err := os.ReadFile("../docs/hosts/events.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(page), "\n```json\n")
	example, _, _ := strings.Cut(rest, "\n```\n")
	var compact bytes.Buffer
	must(t, json.Compact(&compact, []byte(example)))
	diff(t, "event of the documentation", compact.String(), event)
}

// security 47: nothing is told that the store does not confirm, and nothing from another run.
func TestNothingForgedIsTold(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	app := s.listening(t)
	unknown, early, nobody := changedEvent, changedEvent, changedEvent
	unknown.Submission = "another"
	early.Type = flow.HostNoticeFailed // it is owed still
	nobody.Type, nobody.Account = "reset.requested", ""
	for name, e := range map[string]flow.HostEvent{"an unknown change": unknown, "a notice that is tried": early, "nobody's": nobody} {
		if _, err := s.tell(t, e); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	foreign, strange := changedEvent, changedEvent
	foreign.Sender = "another"
	strange.Type = "password.forgotten"
	for name, e := range map[string]flow.HostEvent{"another run's": foreign, "an unknown type": strange} {
		if _, err := s.tell(t, e); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	diff(t, "told", heard(app), []string(nil))
	watch(s).fail = errors.New("connection refused")
	if _, err := s.tell(t, changedEvent); err == nil {
		t.Error("a store that is away is no error, so the event is not tried again")
	}
}

// The other events are those of the run; that of a notice needs one that reached no address.
func TestOtherEventsAreTold(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	app := s.listening(t)
	for _, what := range []flow.HostEventType{"reset.requested", "reset.canceled", "reset.refused"} {
		_, err := s.tell(t, flow.HostEvent{Type: what, Run: run, Account: ann.ID, At: start})
		must(t, err)
	}
	_, err := s.store.Tell(t.Context(), notice.Submission, account.TellGivenUp, "", start)
	must(t, err)
	failed := changedEvent
	failed.Type = flow.HostNoticeFailed
	_, err = s.tell(t, failed)
	must(t, err)
	const at = " ann 2026-03-01T12:00:00.5Z"
	diff(t, "told", heard(app), []string{"reset.requested" + at, "reset.canceled" + at, "reset.refused" + at, "notice.failed" + at})
}

// An application that does not receive an event is tried again, by a type in clear. After its day
// the event is in the audit log and in the metric.
func TestEventIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	m := counting(s)
	app := s.listening(t)
	app.Before = func(w http.ResponseWriter, _ *http.Request, _ hostapp.Event) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	_, err := s.tell(t, changedEvent)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); !ok || failed.Type() != flow.HostAway || failed.NonRetryable() {
		t.Errorf("error %v", err)
	}
	givenUp := changedEvent
	givenUp.GivenUp = true
	_, err = s.tell(t, givenUp)
	must(t, err)
	diff(t, "counted", m.counted(), map[string]int64{"rekey_event_attempts password.changed fault": 1, "rekey_events_failed": 1})
	s.lastLine(t, "password.changed: nothing received it for a day")

	app.Before = nil
	_, err = s.tell(t, changedEvent)
	must(t, err)
	diff(t, "counted", m.total["rekey_event_attempts password.changed sent"], int64(1))
	diff(t, "told", len(app.Events()), 1)
	if _, known := m.total["rekey_event_attempts reset.refused fault"]; !known {
		t.Error("a counter is not known before its first event")
	}
}

// lastLine checks the last line of the audit log.
func (s *site) lastLine(t *testing.T, detail string) {
	t.Helper()
	log, err := s.store.Audit(t.Context(), ann.ID)
	must(t, err)
	diff(t, "last line", log[len(log)-1], account.Entry{
		At: start, Event: account.EventEventFailed, Run: run, AccountID: ann.ID, Detail: detail,
	})
}

// 410 ends the attempts of an event at once (Standard Webhooks).
func TestGoneIsFinal(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	m := counting(s)
	s.listening(t).Before = func(w http.ResponseWriter, _ *http.Request, _ hostapp.Event) bool {
		w.WriteHeader(http.StatusGone)
		return true
	}
	_, err := s.tell(t, changedEvent)
	must(t, err)
	s.lastLine(t, "password.changed: the application wants no more events")
	diff(t, "counted", m.counted(), map[string]int64{"rekey_event_attempts password.changed fault": 1, "rekey_events_failed": 1})
}

// An account that was erased on demand gets no line.
func TestUntoldEventOfAnAccountThatIsGone(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	m := counting(s)
	must(t, s.store.Delete(t.Context(), ann.ID))
	_, err := s.store.Forget(t.Context(), ann.ID, account.Entry{At: s.now, Operator: "a.smith"})
	must(t, err)
	_, err = s.tell(t, flow.HostEvent{Type: "reset.canceled", Run: run, Account: ann.ID, At: start, GivenUp: true})
	must(t, err)
	log, err := s.store.Audit(t.Context(), ann.ID)
	must(t, err)
	diff(t, "lines", len(log), 0)
	diff(t, "counted", len(m.counted()), 0)
}

// A worker without the setting leaves an event to the others.
func TestEventAtAWorkerThatTellsNobody(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	if _, err := s.tell(t, changedEvent); err == nil || !strings.Contains(err.Error(), "--events-url") {
		t.Errorf("error %v", err)
	}
}

// most is how many events a worker sends at once.
const most = 100

// hanging is an application that answers none of so many events, and each further one at once.
type hanging struct {
	asked, until chan struct{}
	events       atomic.Int64
}

func (h *hanging) Receive(ctx context.Context, _ string, _ []byte) error {
	if h.events.Add(1) > most {
		return nil
	}
	h.asked <- struct{}{}
	select {
	case <-h.until:
	case <-ctx.Done():
	}
	return nil
}

// An application that hangs takes a tenth of a worker's slots. Further attempts fail at once.
func TestHangingApplicationTakesFewSlots(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	app := &hanging{asked: make(chan struct{}), until: make(chan struct{})}
	s.Receiver = app
	var all sync.WaitGroup
	for range most {
		all.Go(func() { _, _ = s.tell(t, changedEvent) })
		<-app.asked
	}
	if _, err := s.tell(t, changedEvent); err == nil || !strings.Contains(err.Error(), "too many events") {
		t.Errorf("error %v", err)
	}
	close(app.until)
	all.Wait()
	s.listening(t)
	if _, err := s.tell(t, changedEvent); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// A worker says in its results that it tells events. Without the setting its results are as before.
func TestResultsSayThatEventsAreTold(t *testing.T) {
	t.Parallel()
	for _, tells := range []bool{false, true} {
		s := newSite(t, ann)
		if tells {
			s.listening(t)
		}
		id := ""
		if tells {
			id = ann.ID
		}
		d, err := s.sendLink(t, wanted(ann.Address))
		must(t, err)
		diff(t, "link", [2]any{d.Tells, d.Account}, [2]any{tells, id})
		d, err = s.sendLink(t, wanted("nobody@example.com"))
		must(t, err)
		diff(t, "nobody's link", [2]any{d.Tells, d.Account}, [2]any{tells, ""})
		v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, "$argon2id$new"))})
		must(t, err)
		diff(t, "verdict", [2]any{v.Event, v.Tells}, [2]any{statemachine.PasswordChanged, tells})
	}
}

// So does a worker that gives up a notice which reached no address.
func TestFailedNoticeSaysThatEventsAreTold(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	s.listening(t)
	s.mailer.fail = failing(mail.Refused, 550)
	if _, err := s.notify(t); err == nil {
		t.Fatal("refused, and no error")
	}
	s.now = start.Add(24 * time.Hour)
	var d flow.Delivery
	_, err := s.attempt(t, "give-up-notice", notice, &d, nil)
	must(t, err)
	diff(t, "result", d, flow.Delivery{Notice: run, Tells: true})
}
