package flood

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

var cancelLink = regexp.MustCompile(`/account/cancel-reset/([A-Za-z0-9_-]+)`)

// security 27: an attacker sends a run as many signals as Temporal lets it have. The owner can
// still call it off.
//
// security 43: that leaves a line too, although it cannot name the caller.
func TestOwnerCancelsAFullRun(t *testing.T) {
	suite.Long(t)
	s := start(t, nil)
	const known = "ada@example.com"
	put(t, s, known)
	forgotMany(t, s, 1, always(known))
	found := cancelLink.FindStringSubmatch(mailed(t, s, known)[0])
	if found == nil {
		t.Fatal("no cancel link in the mail")
	}
	fill(t, s, known)
	if code := insist(t, s.URL+"/account/cancel_reset", map[string]string{"token": found[1]}); code != http.StatusOK {
		t.Errorf("cancel_reset: %d", code)
	}
	if got := outcome(t, s, known).State; got != statemachine.StateCanceled {
		t.Errorf("the run ended %s", got)
	}
	log, err := s.Store.Audit(t.Context(), known)
	if err != nil {
		t.Fatal(err)
	}
	if last := log[len(log)-1]; last.Event != account.EventResetCanceled || last.Detail != "in Temporal" || last.Client != "" {
		t.Errorf("last line: %+v", last)
	}
}

// fill signals the run of an address until Temporal takes no more.
func fill(t *testing.T, s *stack.Stack, address string) {
	t.Helper()
	stranger, err := client.Dial(s.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	id := idOf(t, s, address)
	var (
		over atomic.Bool
		all  sync.WaitGroup
		sent atomic.Int64
	)
	for range atOnce {
		all.Go(func() {
			for !over.Load() {
				err := stranger.SignalWorkflow(t.Context(), id, "", "noise", "x")
				if err == nil {
					sent.Add(1)
					continue
				}
				over.Store(true)
				full := errors.As(err, new(*serviceerror.InvalidArgument)) && strings.Contains(err.Error(), "limit for signal events")
				if !full {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	t.Logf("the run was full after %d signals", sent.Load())
}

func idOf(t *testing.T, s *stack.Stack, address string) string {
	t.Helper()
	k, err := s.Keys.AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return workflow.ResetPassword.ID(k.Key(address))
}

// outcome waits for the end of the newest run of an address.
func outcome(t *testing.T, s *stack.Stack, address string) (out flow.Outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := temporalClient(t, s).GetWorkflow(ctx, idOf(t, s, address), "").Get(ctx, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
