package e2e

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// patience is how long a test waits for what must happen.
const patience = 60 * time.Second

// temporalClient is a client as an operator's tools have it, with the payload keys.
func temporalClient(t *testing.T, s *stack.Stack) client.Client {
	t.Helper()
	codec, err := s.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(codec.ClientOptions(s.TemporalOptions()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func workflowID(t *testing.T, s *stack.Stack, address string) string {
	t.Helper()
	k, err := s.Keys.AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return workflow.ID(k.Key(address))
}

// outcome waits for the end of the newest run of an address.
func outcome(t *testing.T, s *stack.Stack, address string) workflow.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out workflow.Outcome
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
