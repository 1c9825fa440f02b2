package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

// listCmd is `rekey list`. It reads nothing that is sealed, so it needs no keys and no address.
type listCmd struct {
	Waiting string `default:"any" enum:"any,mail,store,link" env:"REKEY_WAITING" help:"What the resets wait for: a mail server, the store, their link, or any."`
	Most    int    `default:"50" env:"REKEY_MOST" help:"Resets to print at most: 1 to 1000."`
	jsonFlag
}

// What an open reset waits for.
const (
	forMail   = "mail"
	forStore  = "store"
	forLink   = "link"
	forWorker = "worker"
)

// openRun is a line of the list.
type openRun struct {
	Workflow string    `json:"workflow_id"`
	Run      string    `json:"run_id"`
	Started  time.Time `json:"started"`
	State    string    `json:"state"`           // as the search attribute has it
	Waits    string    `json:"waits,omitempty"` // mail, store, link or worker
	Trying   *attempt  `json:"trying,omitempty"`
}

// Run lists. Visibility, which it asks, may be some seconds behind.
func (c *listCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	temporal, namespace, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	found, err := c.list(ctx, temporal, namespace, p.queue)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(p.stdout, found)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WORKFLOW\tRUN\tSTARTED\tSTATE\tWAITS FOR\tATTEMPT\tNEXT\tLAST FAILURE")
	for _, r := range found {
		fmt.Fprintln(w, r.line())
	}
	return w.Flush()
}

func (c *listCmd) check() error {
	if c.Most < 1 || c.Most > 1000 {
		return fmt.Errorf("--most ($REKEY_MOST): want 1 to 1000, not %d", c.Most)
	}
	return nil
}

// query asks for the runs. RekeyState tells of an outage after two minutes only, so what a run
// waits for is known when it is looked at.
func (c *listCmd) query(queue string) string {
	q := fmt.Sprintf("WorkflowType = '%s' AND %s AND %s", workflow.Name, workflow.OpenRuns, workflow.InQueue(queue))
	if c.Waiting == forLink {
		return q + " AND " + stateIs(statemachine.StateRequested)
	}
	return q
}

func (c *listCmd) list(ctx context.Context, temporal client.Client, namespace, queue string) ([]openRun, error) {
	found := []openRun{}
	var next []byte
	for len(found) < c.Most {
		page, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: namespace, PageSize: runsPerPage, NextPageToken: next, Query: c.query(queue),
		})
		if errors.As(err, new(*serviceerror.InvalidArgument)) { // it does not know the attribute
			return nil, fmt.Errorf("list runs: %w: %w", worker.ErrNotSetUp, err)
		}
		if err != nil {
			return nil, err
		}
		for _, e := range page.GetExecutions() {
			r, err := look(ctx, temporal, e)
			if err != nil {
				return nil, err
			}
			if r != nil && len(found) < c.Most && (c.Waiting == "any" || r.Waits == c.Waiting) {
				found = append(found, *r)
			}
		}
		if next = page.GetNextPageToken(); len(next) == 0 {
			break
		}
	}
	return found, nil
}

// look says what a run waits for, nil when it has ended meanwhile.
func look(ctx context.Context, temporal client.Client, e *workflowpb.WorkflowExecutionInfo) (*openRun, error) {
	id := e.GetExecution()
	now, err := temporal.DescribeWorkflowExecution(ctx, id.GetWorkflowId(), id.GetRunId())
	info := now.GetWorkflowExecutionInfo()
	switch {
	case errors.As(err, new(*serviceerror.NotFound)):
		return nil, nil //nolint:nilnil // it is gone
	case err != nil:
		return nil, err
	case !workflow.Open(info.GetStatus()):
		return nil, nil //nolint:nilnil // it is over
	}
	state, _ := workflow.StateOf(info.GetSearchAttributes())
	r := &openRun{
		Workflow: id.GetWorkflowId(), Run: id.GetRunId(), Started: info.GetStartTime().AsTime().Truncate(time.Second),
		State: string(state), Waits: forWorker,
	}
	for _, a := range now.GetPendingActivities() {
		r.pending(a)
	}
	return r, nil
}

// pending is told of an activity. The link's is always there, so it counts when it is alone.
func (r *openRun) pending(a *workflowpb.PendingActivityInfo) {
	switch a.GetActivityType().GetName() {
	case workflow.AwaitTokenSubmission:
		if r.Trying == nil {
			r.Waits = forLink
		}
	case workflow.SendEmail:
		r.Waits, r.Trying = forMail, tried(a)
		if r.Trying.Why == workflow.StoreAway {
			r.Waits = forStore
		}
	case workflow.ChangePassword, workflow.RecordCancel, workflow.GiveUpNotice:
		r.Waits, r.Trying = forStore, tried(a)
	}
}

func (r openRun) line() string {
	attempt, next, why := "-", "-", "-"
	if r.Trying != nil {
		attempt, next = strconv.Itoa(int(r.Trying.Number)), stamp(r.Trying.Next)
		if r.Trying.Why != "" {
			why = r.Trying.Why
		}
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", r.Workflow, r.Run, stamp(r.Started), r.State, r.Waits, attempt, next, why)
}
