package operator

import (
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// The password is blocked before the first link, which shows without a key too. A cancel counts
// from the start, and a request is answered by that link.
func TestStoryOfAForcedReset(t *testing.T) {
	t.Parallel()
	for _, open := range []func(*commonpb.Payloads, ...any) error{inClear, noKey} {
		w := tellOf(t, workflow.ForceReset, flow.Request{}, open).begin(workflow.BlockPassword)
		check := func(state statemachine.State, mails int, cancelable, settled bool) {
			t.Helper()
			r := w.run()
			if r.Flow != "forced-reset" || r.State != string(state) || r.Mails != mails || w.cancelable() != cancelable || r.Settled() != settled {
				t.Errorf("%+v, cancelable %t, settled %t; want %s", r, w.cancelable(), r.Settled(), state)
			}
		}
		check(statemachine.StateRequested, 0, true, false)
		if why := w.unanswered(midday); why != flow.MailOnItsWay {
			t.Errorf("a request while the password is blocked: %q", why)
		}
		w.end(2, flow.Decision{}).begin(flow.AwaitTokenSubmission).link()
		check(statemachine.StatePasswordBlocked, 1, true, false)
		w.end(5, flow.Delivery{}).timer()
		check(statemachine.StateAwaitingToken, 1, true, false)
		w.end(4, flow.Submission{})
		check(statemachine.StateTokenSubmitted, 1, true, false)
		w.begin(flow.ChangePassword)
		check(statemachine.StateTokenSubmitted, 1, false, false)
		w.end(w.last, flow.Verdict{}).notice()
		check(statemachine.StatePasswordChanged, 1, false, true)
	}
}

// A run that continues another one blocks nothing, and one whose block was refused mails nothing.
func TestStoryOfOtherForcedResets(t *testing.T) {
	t.Parallel()
	w := tellOf(t, workflow.ForceReset, flow.Request{Previous: &flow.Outcome{}}, inClear).
		upsert(statemachine.StateRequested).begin(flow.AwaitTokenSubmission).link().end(4, flow.Delivery{}).timer()
	if r := w.run(); r.State != "awaiting_token" || r.Mails != 1 {
		t.Errorf("continued: %+v", r)
	}
	w = tellOf(t, workflow.ForceReset, flow.Request{}, inClear).begin(workflow.BlockPassword).end(2, flow.Decision{}).
		upsert(statemachine.StateRefused).complete(flow.Outcome{Refused: "no password"})
	if r := w.run(); r.State != "refused" || r.Mails != 0 || r.Refused != "no password" || !r.Settled() {
		t.Errorf("refused: %+v", r)
	}
}

// The reminder is the second mail of an invitation, and its timer is none of a link.
func TestStoryOfAnInvitation(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, open := range []func(*commonpb.Payloads, ...any) error{inClear, noKey} {
		w := tellOf(t, workflow.Invite, flow.Request{LinkLife: 3 * day}, open).begin(flow.AwaitTokenSubmission).link().
			end(3, flow.Delivery{}).pause(3*day + time.Minute).pause(day)
		ends := midday.Add(3*day + 6*time.Minute)
		if r := w.run(); r.Flow != "invitation" || r.Mails != 1 || !r.Expires.Equal(ends) {
			t.Errorf("invited: %+v, want the end %s", r, ends)
		}
		w.link().end(7, flow.Delivery{}).pause(3*day + time.Minute)
		if r := w.run(); r.Mails != 2 || r.State != "awaiting_token" || !r.Expires.After(ends) {
			t.Errorf("reminded: %+v", r)
		}
	}
}

// A run that is over and tells the application of it owes no notice.
func TestEventIsNoNotice(t *testing.T) {
	t.Parallel()
	w := waiting(t, workflow.Invite).upsert(statemachine.StateExpired).begin(flow.TellHost)
	if r := w.run(); r.Owed || !r.Open || r.State != "expired" {
		t.Errorf("%+v", r)
	}
}
