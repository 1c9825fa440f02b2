package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
)

// meter has the counts, by metric and labels, and the last values of gauges.
type meter struct {
	client.MetricsHandler
	labels string
	*values
}

type values struct {
	mu    sync.Mutex
	total map[string]int64
	last  []float64
}

func newMeter() meter {
	return meter{client.MetricsNopHandler, "", &values{total: map[string]int64{}}}
}

func (m meter) WithTags(tags map[string]string) client.MetricsHandler {
	m.labels = " " + tags["operation"] + tags["result"]
	return m
}

func (m meter) Counter(name string) client.MetricsCounter { return instrument{m, name} }
func (m meter) Timer(name string) client.MetricsTimer     { return instrument{m, name} }
func (m meter) Gauge(name string) client.MetricsGauge     { return instrument{m, name} }

type instrument struct {
	meter
	name string
}

func (i instrument) Inc(n int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.total[i.name+i.labels] += n
}

func (i instrument) Record(time.Duration) { i.Inc(1) }

func (i instrument) Update(v float64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.last = append(i.last, v)
}

// answering is a store that gives one answer to everything.
type answering struct {
	account.Store
	err error
}

func (a answering) Find(context.Context, string) ([]account.Account, error) { return nil, a.err }

func (a answering) IssueToken(context.Context, account.TokenRecord, int) (account.Issued, error) {
	return account.Issued{Copy: 1}, a.err
}

// A store that declines is no fault. Faults are counted from zero.
func TestStoreIsWatched(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		nil: "okay", account.ErrMailLimit: "declined", account.ErrTooManyCopies: "declined", account.ErrNotFound: "declined", account.ErrTokenUnknown: "declined",
		fmt.Errorf("deep: %w", account.ErrAddressChanged): "declined", errors.New("disk full"): "fault", context.Canceled: "fault",
	} {
		m := newMeter()
		s := watch(answering{err: err}, m)
		if _, got := s.Find(t.Context(), "ann@example.com"); !errors.Is(got, err) {
			t.Errorf("Find: %v, want %v", got, err)
		}
		if _, got := s.IssueToken(t.Context(), account.TokenRecord{}, 1); !errors.Is(got, err) {
			t.Errorf("IssueToken: %v, want %v", got, err)
		}
		faults := int64(0)
		if want == "fault" {
			faults = 1
		}
		counts := map[string]int64{
			"rekey_store_operation_duration find" + want: 1, "rekey_store_operation_duration issue_token" + want: 1,
			"rekey_store_faults find": faults, "rekey_store_faults issue_token": faults,
			"rekey_store_faults account": 0, "rekey_store_faults revoke_token": 0, "rekey_store_faults change_password": 0,
			"rekey_store_faults notice": 0, "rekey_store_faults tell": 0, "rekey_store_faults owed": 0, "rekey_store_faults end": 0, "rekey_store_faults complained": 0,
			"rekey_store_faults record": 0, "rekey_store_faults sweep": 0, "rekey_store_faults block": 0, "rekey_store_faults accounts": 0,
		}
		if !maps.Equal(m.total, counts) {
			t.Errorf("%v: %v, want %v", err, m.total, counts)
		}
	}
}

// listing is a store that lists its accounts and blocks them.
type listing struct {
	account.Store
	err error
}

func (l listing) Block(context.Context, account.Block) error { return l.err }

func (l listing) Accounts(context.Context, string, int) ([]account.Account, error) {
	return []account.Account{{ID: "ann"}}, l.err
}

// A store keeps its lists behind the watch, and one that has none says so.
func TestBlocksAndListsAreWatched(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{nil: "okay", errors.New("disk full"): "fault", account.ErrNotResettable: "declined"} {
		m := newMeter()
		s := watch(listing{err: err}, m)
		page, listErr := s.(account.Lister).Accounts(t.Context(), "", 1)
		if blockErr := s.Block(t.Context(), account.Block{}); !errors.Is(blockErr, err) || !errors.Is(listErr, err) || len(page) != 1 {
			t.Errorf("%v: block %v, list %v, %v", err, blockErr, page, listErr)
		}
		for _, op := range []string{"block", "accounts"} {
			if m.total["rekey_store_operation_duration "+op+want] != 1 {
				t.Errorf("%s: %v", op, m.total)
			}
		}
	}
	m := newMeter()
	if _, err := watch(answering{}, m).(account.Lister).Accounts(t.Context(), "", 1); !errors.Is(err, account.ErrNotListed) || m.total["rekey_store_operation_duration accountsdeclined"] != 1 {
		t.Errorf("error %v, counted %v", err, m.total)
	}
}

// counting is Temporal's visibility, which answers, fails and hangs in turn.
type counting struct {
	client.Client
	asked int
}

func (c *counting) CountWorkflow(ctx context.Context, in *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	if in.GetQuery() != "WorkflowType IN ('ResetPassword', 'Invite', 'ForceReset') AND ExecutionStatus IN ('Running', 'Paused') AND TaskQueue = 'harbor-resets'" || in.GetNamespace() != "harbor" {
		return nil, errors.New("another question")
	}
	c.asked++
	switch c.asked {
	case 2:
		return nil, errors.New("away")
	case 3:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(c.asked)}, nil
}

// Open runs are counted every 30 seconds; an unknown count is NaN.
func TestOpenRuns(t *testing.T) {
	t.Parallel()
	m := newMeter()
	synctest.Test(t, func(t *testing.T) {
		c := Config{TaskQueue: "harbor-resets", Temporal: client.Options{Namespace: "harbor", MetricsHandler: m}}
		stop := c.countRuns(t.Context(), &counting{})
		time.Sleep(91 * time.Second)
		stop()
	})
	if len(m.last) != 4 || m.last[0] != 1 || !math.IsNaN(m.last[1]) || !math.IsNaN(m.last[2]) || m.last[3] != 4 {
		t.Errorf("%v", m.last)
	}
}

func TestNobodyCountsForNobody(t *testing.T) {
	t.Parallel()
	Config{}.countRuns(t.Context(), nil)()
}
