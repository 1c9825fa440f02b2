package operators

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/flow"
)

// The operators' commands work beside `go run ./dev --data X`, with its keys for development.
func TestOperatorOfADevelopmentStack(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t, stack.Throwaway(t.TempDir()))
	if err := demo.Seed(t.Context(), s.Store, 0); err != nil {
		t.Fatal(err)
	}
	const alice = "alice@example.com"
	if err := s.Starter.Request(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Mail.Wait(t.Context(), alice, 1); err != nil {
		t.Fatal(err)
	}
	r := newRoom(t)
	r.keys = filepath.Join(s.Data, "keys")
	r.Env = append(r.Env, "TEMPORAL_ADDRESS="+s.Server.Addr(), "REKEY_TASK_QUEUE="+flow.TaskQueue)
	found := r.findUntil(t, alice, "a run that waits for its link", func(f found) bool { return f.Open && f.Mails == 1 && !f.Expires.IsZero() })
	if found.Sealed {
		t.Error("find cannot read what is sealed")
	}
	if said := r.operate(t, 0, "find", alice).Err.String(); strings.Contains(said, "warning") {
		t.Errorf("find warns: %s", said)
	}
	answered(t, r.operate(t, 0, "list", "--waiting=link"), found.ID)
	answered(t, r.operate(t, 0, "stats"), "younger than 1 h")
	answered(t, r.operate(t, 0, "replay"), "replayed 1 runs")
	answered(t, r.operate(t, 0, "cancel", alice), "canceled: no link of run "+found.Run)
}
