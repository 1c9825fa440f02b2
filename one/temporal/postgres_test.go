package temporal_test

import (
	"bytes"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/one/temporal"
)

// missing is the URL of a database that does not exist.
func missing(t *testing.T) string {
	t.Helper()
	u := parse(t, postgrestest.Database(t))
	u.Path += "%22new"
	return u.String()
}

func parse(t *testing.T, database string) *url.URL {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDatabaseSurvivesRestart(t *testing.T) {
	t.Parallel()
	database := missing(t)
	first := start(t, temporal.Options{Database: database})
	run := startRun(t.Context(), t, dial(t, first))
	first.Stop()

	second := dial(t, start(t, temporal.Options{Database: database}))
	d, err := second.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
	if err != nil {
		t.Fatal(err)
	}
	if got := d.GetWorkflowExecutionInfo().GetStatus(); got != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("status after restart = %v", got)
	}
	if got := listed(t, second, `RekeyState = 'requested'`); got != run.GetID() {
		t.Errorf("the list by RekeyState has %q", got)
	}
	if got, err := second.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: `RekeyState = 'completed'`}); err != nil || len(got.GetExecutions()) != 0 {
		t.Errorf("the list of another RekeyState has %v, %v", got, err)
	}
}

// listed waits until a query finds a run: lists are a moment behind.
func listed(t *testing.T, c client.Client, query string) string {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(time.Minute); ; {
		found, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if runs := found.GetExecutions(); len(runs) > 0 {
			return runs[0].GetExecution().GetWorkflowId()
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("nothing is listed by %s", query)
		}
	}
}

func TestDatabaseInUseIsRefused(t *testing.T) {
	t.Parallel()
	database := postgrestest.Database(t)
	start(t, temporal.Options{Database: database})
	_, err := temporal.Start(t.Context(), temporal.Options{Database: database})
	if err == nil || !strings.Contains(err.Error(), "another Temporal server of rekey uses it") {
		t.Errorf("second start on one database: %v, want a refusal", err)
	}
}

func TestFileOrDatabase(t *testing.T) {
	t.Parallel()
	_, err := temporal.Start(t.Context(), temporal.Options{File: "temporal.db", Database: "postgres:///temporal"})
	if err == nil || !strings.Contains(err.Error(), "give one of them") {
		t.Errorf("both: %v, want a refusal", err)
	}
}

// secret would break a URL that is put together by hand.
const secret = "s3cret: @/%x"

// logs are a server's log lines so far.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// A server that loses its database reports it, without the password.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	cluster := postgrestest.Start(t)
	u := parse(t, cluster.URL("temporal"))
	q := u.Query()
	q.Set("password", secret)
	u.RawQuery = q.Encode()
	said := &logs{}
	log := zerolog.New(said)
	s, err := temporal.Start(t.Context(), temporal.Options{Database: u.String(), Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(time.Minute); !strings.Contains(said.String(), "unable to refresh database connection pool"); {
		select {
		case <-again.C:
		case <-late:
			t.Fatal("nothing is said")
		}
	}
	if strings.Contains(said.String(), "s3cret") || !strings.Contains(said.String(), "failed to connect to") {
		t.Errorf("log:\n%s", said)
	}
	cluster.Restart(t) // or it would not stop
}
