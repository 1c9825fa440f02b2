package one

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/overlay"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// another is the workflow of another build, whose first step this build does not take.
func another(ctx sdk.Context, _ flow.Request) (flow.Outcome, error) {
	ctx = sdk.WithActivityOptions(ctx, sdk.ActivityOptions{TaskQueue: "nobody", StartToCloseTimeout: time.Minute})
	return flow.Outcome{}, sdk.ExecuteActivity(ctx, "ask-the-owner-twice").Get(ctx, nil)
}

// ofAnotherBuild leaves an open reset of another build in the folder of a site, sealed under these
// keysets.
func ofAnotherBuild(t *testing.T, s *site.Site, who account.Account, dir keys.Dir) {
	t.Helper()
	s.StartTemporal(t)
	defer s.StopTemporal(t)
	setup := s.Start(t, []string{"TEMPORAL_CONFIG_FILE=" + os.DevNull, "TEMPORAL_ADDRESS=" + s.TemporalAddr}, "setup")
	if code := setup.Exit(t); code != 0 {
		t.Fatalf("setup: exit code %d", code)
	}
	codec, err := dir.Payload()
	if err != nil {
		t.Fatal(err)
	}
	silent := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	c, err := client.DialContext(t.Context(), codec.ClientOptions(client.Options{HostPort: s.TemporalAddr, Logger: silent}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w := worker.New(c, flow.TaskQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(another, sdk.RegisterOptions{Name: workflow.ResetPassword.Name})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	id := s.WorkflowID(t, who)
	start := client.StartWorkflowOptions{ID: id, TaskQueue: flow.TaskQueue}
	if _, err := c.ExecuteWorkflow(t.Context(), start, workflow.ResetPassword.Name, flow.Request{Address: who.Address}); err != nil {
		t.Fatal(err)
	}
	process.Succeeds(t, s.Patience, "the step of the other build", func() error {
		run, err := c.DescribeWorkflowExecution(t.Context(), id, "")
		if err == nil && len(run.GetPendingActivities()) == 0 {
			return errors.New("it has not begun")
		}
		return err
	})
}

// A build that cannot continue an open reset does not start, and says which it is. It has changed
// nothing: it is refused again.
func TestBuildThatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	erin := s.People[0]
	ofAnotherBuild(t, s, erin, keys.Open(s.Keys()))
	s.Env = append(s.Env, "REKEY_STORE="+postgrestest.Database(t))
	for range 2 {
		p := s.Start(t, nil, "one")
		why := reason(t, p)
		for _, want := range []string{"this build cannot continue 1 of 1 open resets", s.WorkflowID(t, erin), "start the build that ran here before", "nothing is lost"} {
			if !strings.Contains(why, want) {
				t.Errorf("it says %s, want %q", why, want)
			}
		}
		for _, done := range []string{"worker started", "migrated"} {
			if strings.Contains(p.Err.String(), done) {
				t.Errorf("the log says %q", done)
			}
		}
	}
}

// Open runs whose keys are gone could not go on with any build: they are named, and others work.
func TestRunsThatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	erin, frank := s.People[0], s.People[1]
	gone := t.TempDir() + "/keys"
	if err := keys.Create(gone, false); err != nil {
		t.Fatal(err)
	}
	ofAnotherBuild(t, s, erin, keys.Open(gone))
	p := s.StartOne(t)
	if line := p.Await(t, p.Err, "cannot be replayed"); !strings.Contains(line, s.WorkflowID(t, erin)) {
		t.Errorf("it says %s", line)
	}
	s.Forgot(t, frank)
	s.Token(t, frank, 1)
	stop(t, p)
}

// mailBeforeWaiting is an overlay for a build whose workflow mails the link first and then waits
// for its use. It cannot continue runs of the original.
func mailBeforeWaiting(t *testing.T) string {
	t.Helper()
	const engine, in = "../../flow", "MailFirstLink"
	list, err := overlay.Write(
		t.TempDir(),
		overlay.Change{Package: engine, In: in, Node: "ExprStmt(openWait)", With: ""},
		overlay.Change{Package: engine, In: in, Node: "ExprStmt(sendLink)", With: "$\n{r}.openWait({ctx})"},
	)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// An upgrade to a build with another workflow waits for the open resets, which the build of before
// continues.
func TestUpgrade(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := site.One(t)
	next := *s
	next.Path = filepath.Join(t.TempDir(), "next")
	site.BuildOne(t, next.Path, "-overlay", mailBeforeWaiting(t))
	erin, frank := s.People[0], s.People[1]
	p := s.StartOne(t)
	s.Forgot(t, erin)
	token := s.Token(t, erin, 1)
	stop(t, p)
	if why := reason(t, next.Start(t, nil, "one")); !strings.Contains(why, "this build cannot continue 1 of 1 open resets, for example "+s.WorkflowID(t, erin)) {
		t.Errorf("the next build says %s", why)
	}
	p = s.StartOne(t)
	s.Insist(t, token, newPassword)
	s.Mails(t, erin, 2)
	temporal := s.Dial(t)
	process.Eventually(t, s.Patience, "the end of the run", func() bool { return s.State(t, temporal, erin) == "completed" })
	stop(t, p)
	p = next.StartOne(t)
	s.Forgot(t, frank)
	s.Insist(t, s.Token(t, frank, 1), newPassword)
	s.Mails(t, frank, 2)
	stop(t, p)
	if !changed(t, s, erin) || !changed(t, s, frank) {
		t.Error("a password was not changed")
	}
}
