package temporal_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/one/temporal"
)

var stateAttribute = sdk.NewSearchAttributeKeyKeyword("RekeyState")

func start(t *testing.T, o temporal.Options) *temporal.Server {
	t.Helper()
	o.SearchAttributes = map[string]enumspb.IndexedValueType{"RekeyState": enumspb.INDEXED_VALUE_TYPE_KEYWORD}
	log := zerolog.New(zerolog.NewTestWriter(t))
	o.Log = &log
	s, err := temporal.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func dial(t *testing.T, s *temporal.Server) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// startRun starts a run that no worker will ever take.
func startRun(ctx context.Context, t *testing.T, c client.Client) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    "reset/a",
		TaskQueue:             "rekey",
		TypedSearchAttributes: sdk.NewSearchAttributes(stateAttribute.ValueSet("requested")),
	}, "ResetPassword")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestFileSurvivesRestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "100% te?t.db")
	first := start(t, temporal.Options{File: file})
	run := startRun(t.Context(), t, dial(t, first))
	first.Stop()
	if c, err := net.Dial("tcp", first.Addr()); err == nil {
		c.Close()
		t.Errorf("something still listens on %s after Stop", first.Addr())
	}

	// Nothing of it may be in a file that the name only resembles.
	if f, err := os.Stat(file); err != nil || f.Size() == 0 || f.Mode().Perm() != 0o600 {
		t.Errorf("file = %+v, %v", f, err)
	}

	second := start(t, temporal.Options{File: file})
	d, err := dial(t, second).DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
	if err != nil {
		t.Fatal(err)
	}
	info := d.GetWorkflowExecutionInfo()
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("status after restart = %v", info.GetStatus())
	}
	if got := string(info.GetSearchAttributes().GetIndexedFields()["RekeyState"].GetData()); got != `"requested"` {
		t.Errorf("RekeyState after restart = %s", got)
	}
}

func TestFileInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, temporal.Options{File: filepath.Join(dir, "temporal.db")})
	// Spelled another way, or this process would share its open file.
	_, err := temporal.Start(t.Context(), temporal.Options{File: dir + "/./temporal.db"})
	if err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("second start on one file: %v, want a refusal", err)
	}
}

func TestServersInMemoryShareNothing(t *testing.T) {
	t.Parallel()
	one, two := start(t, temporal.Options{}), start(t, temporal.Options{Namespace: "two"})
	startRun(t.Context(), t, dial(t, one))
	namespaces, err := dial(t, two).WorkflowService().ListNamespaces(t.Context(), &workflowservice.ListNamespacesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range namespaces.GetNamespaces() {
		if name := n.GetNamespaceInfo().GetName(); name != "two" && name != "temporal-system" {
			t.Errorf("unexpected namespace %q", name)
		}
	}
}

func TestBusyAddressIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	if _, err := temporal.Start(t.Context(), temporal.Options{Addr: addr}); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("Start on a busy address: %v, want an error that names %s", err, addr)
	}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	if _, err := temporal.Start(t.Context(), temporal.Options{Addr: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("Start on every interface: %v, want a refusal", err)
	}
}
