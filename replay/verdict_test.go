package replay_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
)

// security 37: a missing key is never taken for a divergence, nor for none.
func TestMissingKeys(t *testing.T) {
	t.Parallel()
	dir, old := keyset(t)
	first := primary(t, dir)
	id, err := keys.Add(dir, keys.Payload)
	must(t, err)
	must(t, keys.Promote(dir, keys.Payload, id))
	promoted := codec(t, dir)
	must(t, keys.Retire(dir, keys.Payload, first))
	retired := codec(t, dir)
	_, other := keyset(t)
	for name, tc := range map[string]struct {
		sealed, opened *keys.Codec
		want           error
	}{
		"still to come": {promoted, old, keys.ErrUnknownKey},
		"retired":       {old, retired, keys.ErrForeign},
		"of others":     {old, other, keys.ErrForeign},
	} {
		events := mailed(t, tc.sealed).events
		must(t, check(t, tc.sealed, events))
		must(t, check(t, promoted, mailed(t, promoted).events))
		err := check(t, tc.opened, events)
		if !errors.Is(err, replay.ErrKeys) || !errors.Is(err, tc.want) || !strings.Contains(err.Error(), "event 1 WorkflowExecutionStarted") {
			t.Errorf("a key that is %s: %v", name, err)
		}
	}
}

func primary(t *testing.T, dir string) uint32 {
	t.Helper()
	infos, err := keys.List(dir)
	must(t, err)
	for _, i := range infos {
		if i.Use == keys.Payload {
			return i.Keys[0].ID
		}
	}
	t.Fatal("no payload keyset")
	return 0
}

// security 27: activities and signals of a stranger fit the code as well. A run that really
// diverges does so with a stranger's signal in it.
func TestStrangers(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	input, err := converter.GetDefaultDataConverter().ToPayloads(flow.Request{Address: address, AccountKey: accountKey})
	must(t, err)
	s := &story{t: t, codec: c}
	s.start(input)
	s.decided()
	s.failed()
	must(t, check(t, c, s.events))

	s = mailing(t, c)
	s.signaled(input)
	s.decided()
	must(t, check(t, c, s.events))
	s.scheduled("", flow.RecordCancel)
	if err := check(t, c, s.events); !errors.As(err, new(*replay.Divergence)) {
		t.Errorf("with a stranger's signal: %v", err)
	}
}

func TestDamagedHistories(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	whole := mailed(t, c).events
	for want, events := range map[string][]*historypb.HistoryEvent{
		"it is empty": nil,
		"it does not begin with the start of a run": whole[1:],
		"event 3 is missing":                        slices.Concat(whole[:2], whole[3:]),
		"it is of another workflow":                 renamed(t, c).events,
		"an event lacks a part":                     withoutParts(t, c).events,
	} {
		if err := check(t, c, events); !errors.Is(err, replay.ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

func renamed(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := mailed(t, c)
	s.events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name = "Another"
	return s
}

func withoutParts(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := mailed(t, c)
	s.events[0].GetWorkflowExecutionStartedEventAttributes().TaskQueue = nil
	return s
}

// security 11: the text of an error holds no address, not even a sealed one.
func TestErrorsHoldNoPayload(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	_, other := keyset(t)
	s := begun(t, c)
	s.decided()
	s.scheduled("", flow.ChangePassword)
	s.events[4].GetActivityTaskScheduledEventAttributes().Input = s.sealed(flow.Mail{Address: address})
	for _, reader := range []*keys.Codec{c, other} {
		err := check(t, reader, s.events)
		if err == nil || len(err.Error()) > 200 || strings.Contains(err.Error(), "alice") || strings.Contains(err.Error(), "rekey-v1") {
			t.Errorf("error: %v", err)
		}
	}
}
