package temporal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/one/temporal"
)

// A copy that is made while runs start has all runs that were accepted before, is whole, and a
// server goes on with it.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, temporal.Options{File: filepath.Join(dir, "temporal.db")})
	c := dial(t, first)
	ctx, stop := context.WithCancel(t.Context())
	started := make(chan int)
	go func() {
		defer close(started)
		for n := 0; ; n++ {
			_, err := c.ExecuteWorkflow(context.WithoutCancel(ctx), client.StartWorkflowOptions{ID: fmt.Sprint("reset/", n), TaskQueue: "rekey"}, "ResetPassword")
			if err != nil {
				t.Error(err)
				return
			}
			select {
			case started <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	copied := make(chan error, 1)
	path := filepath.Join(dir, "copy's 100%.db")
	before, after := 0, 0
	for n := range started {
		if n == 50 {
			before = n
			go func() { copied <- first.Backup(t.Context(), path) }()
		}
		after = n
		if n >= 50 && len(copied) == 1 {
			break
		}
	}
	stop()
	if err := <-copied; err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("copy %v, %v", info, err)
	}
	check(t, path)

	second := dial(t, start(t, temporal.Options{File: path}))
	for n := range before + 1 {
		if d, err := second.DescribeWorkflowExecution(t.Context(), fmt.Sprint("reset/", n), ""); err != nil || d.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			t.Fatalf("run %d of %d before the copy and %d at its end: %v, %v", n, before, after, d, err)
		}
	}
	count, err := second.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{})
	if err != nil || count.GetCount() <= int64(before) {
		t.Errorf("the list has %v runs, %v", count, err)
	}
	startRun(t.Context(), t, second)
}

// check judges a file with SQLite's own checks: the file, and the index of words in the list.
func check(t *testing.T, path string) {
	t.Helper()
	begun := time.Now()
	if err := temporal.Check(path); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	t.Logf("checked in %v", time.Since(begun))
}

// A copy replaces no file, and a server without a file has none.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "temporal.db")
	s := start(t, temporal.Options{File: path})
	if err := s.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto itself: %v", err)
	}
	if err := start(t, temporal.Options{}).Backup(t.Context(), path+".copy"); !errors.Is(err, temporal.ErrNoFile) {
		t.Errorf("of a server in memory: %v", err)
	}
}
