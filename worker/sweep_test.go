package worker

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
)

// sweeper is a store that notes the times and the bounds of its sweeps.
type sweeper struct {
	account.Store
	age []time.Duration // of the bound
	at  []time.Duration // since the first sweep
	now time.Time
	err error
	// kept are the ages of lines of the audit log.
	kept []time.Duration
}

func (s *sweeper) Sweep(_ context.Context, before time.Time) (int, error) {
	if len(s.at) == 0 {
		s.now = time.Now()
	}
	s.at = append(s.at, time.Since(s.now))
	s.age = append(s.age, time.Since(before))
	return 3, s.err
}

func (s *sweeper) SweepAudit(_ context.Context, now time.Time, keep time.Duration) (int, error) {
	s.kept = append(s.kept, time.Since(now)+keep)
	return 5, s.err
}

const auditKeep = 400 * 24 * time.Hour

// sweeping sweeps for a time, on a clock that does not wait. A failed sweep does not end it.
func sweeping(t *testing.T, d time.Duration, failure error) (*sweeper, string) {
	t.Helper()
	var log bytes.Buffer
	s := &sweeper{err: failure}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		c := Config{Store: s, Now: time.Now, Log: zerolog.New(&log), AuditKeep: auditKeep}
		if err := c.sweepUntil(ctx, nil); err != nil {
			t.Errorf("sweepUntil: %v", err)
		}
	})
	return s, log.String()
}

// security 23: the store is swept at the start and each hour. Records outlive their links by more
// than the 48 h in which a submission may still need them.
func TestSweep(t *testing.T) {
	t.Parallel()
	s, log := sweeping(t, 3*time.Hour-time.Minute, nil)
	if d := cmp.Diff([]time.Duration{0, time.Hour, 2 * time.Hour}, s.at); d != "" {
		t.Errorf("sweeps (-want +got):\n%s", d)
	}
	for _, age := range s.age {
		if age < 48*time.Hour {
			t.Errorf("swept what is %s old", age)
		}
	}
	if d := cmp.Diff([]time.Duration{auditKeep, auditKeep, auditKeep}, s.kept); d != "" {
		t.Errorf("audit lines (-want +got):\n%s", d)
	}
	if !strings.Contains(log, `"records":3`) || !strings.Contains(log, `"records":5`) {
		t.Errorf("log: %s", log)
	}
}

// Without a limit the worker needs no right to delete from the audit log.
func TestAuditLogIsKept(t *testing.T) {
	t.Parallel()
	s := &sweeper{}
	Config{Store: s, Now: time.Now, Log: zerolog.Nop()}.sweep(t.Context())
	if len(s.at) != 1 || len(s.kept) != 0 {
		t.Errorf("%d sweeps, %d of the audit log", len(s.at), len(s.kept))
	}
}

func TestSweepThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	s, log := sweeping(t, 90*time.Minute, errors.New("disk full"))
	if len(s.at) != 2 || strings.Count(log, "disk full") != 4 {
		t.Errorf("%d sweeps, log: %s", len(s.at), log)
	}
}

// hanging is a store that answers nothing until it is given up.
type hanging struct{ account.Store }

func (hanging) Sweep(ctx context.Context, _ time.Time) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// A store that hangs hides a broken worker only for a while.
func TestSweepThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var log bytes.Buffer
		why, broken, began := errors.New("the namespace is gone"), make(chan error, 1), time.Now()
		broken <- why
		c := Config{Store: hanging{}, Now: time.Now, Log: zerolog.New(&log)}
		if err := c.sweepUntil(ctx, broken); !errors.Is(err, why) || time.Since(began) > sweepWait {
			t.Errorf("sweepUntil: %v after %s, want %v after %s", err, time.Since(began), why, sweepWait)
		}
		if !strings.Contains(log.String(), "sweep of old records failed") {
			t.Errorf("log: %s", log.String())
		}
	})
}

// A worker that breaks ends Run with the reason.
func TestBrokenWorkerEndsTheSweep(t *testing.T) {
	t.Parallel()
	why := errors.New("the namespace is gone")
	broken := make(chan error, 1)
	broken <- why
	c := Config{Store: &sweeper{}, Now: time.Now, Log: zerolog.Nop()}
	if err := c.sweepUntil(t.Context(), broken); !errors.Is(err, why) {
		t.Errorf("sweepUntil: %v, want %v", err, why)
	}
}
