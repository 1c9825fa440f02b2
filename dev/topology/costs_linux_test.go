package topology

import (
	"context"
	"flag"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/workflow"
)

// The figures of docs/scale.md are those of
//
//	REKEY_TEST=all go test -v -run TestCosts ./dev/topology -costs 500
var costs = flag.Int("costs", 20, "resets that TestCosts measures")

// TestCosts measures what a reset takes from each process and writes to each database. It has
// one worker and one starter, and PostgreSQL as it is in production: each commit is synced. It
// checks only that there are figures; they are the machine's.
func TestCosts(t *testing.T) {
	suite.Long(t)
	const atOnce = 8
	clusters := map[string]*postgrestest.Server{}
	for _, of := range []string{"runs", "accounts"} {
		clusters[of] = postgrestest.Start(t, "fsync=on", "full_page_writes=on")
	}
	f := newFleet(t, clusters["runs"].URL("temporal"), clusters["accounts"].Database(t), 1)
	people := f.settle(t, *costs)
	ledgers := map[string]*ledger{
		"Temporal's runs": openLedger(t, f.TemporalDB),
		"Temporal's list": openLedger(t, clusters["runs"].URL("temporal_visibility")),
		"accounts":        openLedger(t, f.accountsURL),
	}
	spent := map[string]func(*testing.T) time.Duration{
		"starter": of(f.starters[0].Pid()), "worker": of(f.workers[0].Pid()), "Temporal": of(f.Temporal.Pid()),
		"PostgreSQL of Temporal": of(clusters["runs"].Pid()), "PostgreSQL of accounts": of(clusters["accounts"].Pid()),
	}
	f.warmUp(t)
	before := map[string]time.Duration{}
	for name, cpu := range spent {
		before[name] = cpu(t)
	}
	for _, l := range ledgers {
		l.begin(t)
	}

	began, accounts := time.Now(), f.accountKeys(t)
	if err := each(t, people, atOnce, func(ctx context.Context, p *person) error {
		if err := f.reset(ctx, p); err != nil {
			return err
		}
		return eventually(ctx, "the end of a run", func() (bool, error) {
			run, err := f.temporal.DescribeWorkflowExecution(ctx, workflow.ResetPassword.ID(accounts.Key(p.Address)), "")
			return run.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING, err
		})
	}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("%d resets, %d at once: %.1f a second", *costs, atOnce, float64(*costs)/took.Seconds())
	for _, name := range []string{"starter", "worker", "Temporal", "PostgreSQL of Temporal", "PostgreSQL of accounts"} {
		each := (spent[name](t) - before[name]) / time.Duration(*costs)
		if t.Logf("CPU of a reset, %-22s %6.1f ms", name, each.Seconds()*1000); each <= 0 {
			t.Errorf("%s has used no CPU", name)
		}
	}
	f.history(t, people)
	f.stop(t)
	for _, name := range []string{"Temporal's runs", "Temporal's list", "accounts"} {
		ledgers[name].report(t, name, float64(*costs))
	}
}

// warmUp makes connections and caches that last.
func (f *fleet) warmUp(t *testing.T) {
	t.Helper()
	for range 3 {
		if _, err := f.accepted(t.Context(), "/account/forgot_password", map[string]string{"email": "nobody@example.com"}); err != nil {
			t.Fatal(err)
		}
	}
}

// stop ends all writers, so that PostgreSQL has counted all.
func (f *fleet) stop(t *testing.T) {
	t.Helper()
	for _, p := range []*process.Process{f.starters[0], f.workers[0]} {
		stop(t, p)
	}
	if err := f.accounts.Close(); err != nil {
		t.Error(err)
	}
	f.StopTemporal(t)
}
