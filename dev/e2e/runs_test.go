package e2e

import (
	"context"
	"slices"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// patience is how long a test waits for an event.
const patience = 2 * time.Minute

// temporalClient is a client as an operator's tools have it, with the payload keys.
func temporalClient(tb testing.TB, s *stack.Stack) client.Client {
	tb.Helper()
	codec, err := s.Keys.Payload()
	if err != nil {
		tb.Fatal(err)
	}
	c, err := client.Dial(codec.ClientOptions(s.TemporalOptions()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func workflowID(tb testing.TB, s *stack.Stack, address string) string {
	tb.Helper()
	k, err := s.Keys.AccountKeys()
	if err != nil {
		tb.Fatal(err)
	}
	return workflow.ResetPassword.ID(k.Key(address))
}

// outcome waits for the end of the newest run of an address.
func outcome(t *testing.T, s *stack.Stack, address string) flow.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out flow.Outcome
	if err := temporalClient(t, s).GetWorkflow(ctx, workflowID(t, s, address), "").Get(ctx, &out); err != nil {
		t.Fatalf("outcome of the run: %v", err)
	}
	return out
}

func waitFor(t *testing.T, s *stack.Stack, who account.Account, want statemachine.State) {
	t.Helper()
	if got := outcome(t, s, who.Address).State; got != want {
		t.Errorf("the run ended %s, want %s", got, want)
	}
}

// waitForTimer waits until the newest run of an address has dealt with its first mail:
// from then on a timer runs.
func waitForTimer(tb testing.TB, s *stack.Stack, address string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	events := temporalClient(tb, s).GetWorkflowHistory(ctx, workflowID(tb, s, address), "", true,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			tb.Fatal(err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_TIMER_STARTED {
			return
		}
	}
	tb.Fatal("the run ended without a timer")
}

// events counts the events of the newest run of an address.
func events(tb testing.TB, s *stack.Stack, address string) map[enumspb.EventType]int {
	tb.Helper()
	counts := map[enumspb.EventType]int{}
	history := temporalClient(tb, s).GetWorkflowHistory(tb.Context(), workflowID(tb, s, address), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			tb.Fatal(err)
		}
		counts[event.GetEventType()]++
	}
	return counts
}

// waitForMailWithheld waits until a run has decided to mail nothing, and checks that
// nothing was mailed.
func waitForMailWithheld(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	waitForTimer(t, s, who.Address)
	if entries := auditOf(t, s, who); !slices.Contains(entries, account.EventMailWithheld) {
		t.Errorf("audit log: %v, want a %s", entries, account.EventMailWithheld)
	}
	now, cancel := context.WithCancel(t.Context())
	cancel()
	if mails, err := s.Mail.Wait(now, who.Address, 1); err == nil {
		t.Errorf("got %d mails", len(mails))
	}
}

// auditOf lists the events in the audit log of an account.
func auditOf(t *testing.T, s *stack.Stack, who account.Account) []account.Event {
	t.Helper()
	entries, err := s.Store.Audit(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	var events []account.Event
	for _, e := range entries {
		events = append(events, e.Event)
	}
	return events
}
