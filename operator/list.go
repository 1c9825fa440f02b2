package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// Reasons why an open run waits.
const (
	ForMail   = "mail"   // a mail server
	ForStore  = "store"  // the store of accounts
	ForLink   = "link"   // its link to be used
	ForWorker = "worker" // a worker
	ForEvent  = "event"  // an event to be told to the application; the run itself is over
)

// runsPerPage is how many runs one call lists.
const runsPerPage = 200

// OpenRun is an open run.
type OpenRun struct {
	Flow       string    `json:"flow"` // flow.Definition.Kind
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	Started    time.Time `json:"started"`
	State      string    `json:"state"`           // as the search attribute has it
	Waits      string    `json:"waits,omitempty"` // ForMail, ForStore, ForLink, ForEvent or ForWorker
	Trying     *Attempt  `json:"trying,omitempty"`

	telling *Attempt // an event
}

// List returns open runs, limit at most. Waiting is ForMail, ForStore, ForLink, ForEvent,
// ForWorker, or "" for all. It needs no key. Visibility, its first source, may be some seconds behind. Errors:
// flow.ErrNotSetUp.
func (c *Client) List(ctx context.Context, waiting string, limit int) ([]OpenRun, error) {
	found := []OpenRun{}
	var next []byte
	for len(found) < limit {
		page, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: c.namespace, PageSize: runsPerPage, NextPageToken: next, Query: c.openRuns(waiting),
		})
		if err != nil {
			return nil, visibility("list runs", err)
		}
		for _, e := range page.GetExecutions() {
			r, open, err := c.look(ctx, e)
			if err != nil {
				return nil, err
			}
			if open && len(found) < limit && (waiting == "" || r.Waits == waiting) {
				found = append(found, r)
			}
		}
		if next = page.GetNextPageToken(); len(next) == 0 {
			break
		}
	}
	return found, nil
}

// openRuns is a query. RekeyState shows an outage after two minutes only, so List looks at the run
// itself.
func (c *Client) openRuns(waiting string) string {
	q := c.runs(flow.OpenRuns)
	if waiting == ForLink {
		q += " AND " + stateIs(statemachine.StateRequested)
	}
	return q
}

// runs is a query for the runs of the client's task queue.
func (c *Client) runs(condition string) string { return c.types() + c.inQueue(condition) }

func (c *Client) inQueue(condition string) string {
	return " AND " + flow.InQueue(c.queue) + " AND " + condition
}

// stateIs is the condition for runs of a state, as the search attribute has it.
func stateIs(s statemachine.State) string {
	return fmt.Sprintf("%s = '%s'", flow.StateAttribute.GetName(), s)
}

// visibility explains why a query was refused: the namespace does not know the attribute.
func visibility(does string, err error) error {
	if errors.As(err, new(*serviceerror.InvalidArgument)) {
		return fmt.Errorf("%s: %w: %w", does, flow.ErrNotSetUp, err)
	}
	return err
}

// look finds the reason why a run waits; false when it has ended meanwhile.
func (c *Client) look(ctx context.Context, e *workflowpb.WorkflowExecutionInfo) (r OpenRun, open bool, err error) {
	id := e.GetExecution()
	now, err := c.temporal.DescribeWorkflowExecution(ctx, id.GetWorkflowId(), id.GetRunId())
	if errors.As(err, new(*serviceerror.NotFound)) {
		return r, false, nil
	}
	info := now.GetWorkflowExecutionInfo()
	if err != nil || !flow.Open(info.GetStatus()) {
		return r, false, err
	}
	state, _ := flow.StateOf(info.GetSearchAttributes())
	r = OpenRun{
		WorkflowID: id.GetWorkflowId(), RunID: id.GetRunId(), Started: info.GetStartTime().AsTime().Truncate(time.Second),
		State: string(state), Waits: ForWorker,
	}
	for _, d := range c.flows() {
		if d.Name == e.GetType().GetName() {
			r.Flow = d.Kind
		}
	}
	for _, a := range now.GetPendingActivities() {
		r.pending(a)
	}
	if r.Waits == ForWorker && r.telling != nil {
		r.Waits, r.Trying = ForEvent, r.telling
	}
	return r, true, nil
}

// pending takes an open activity. That of the link is always there, so it counts when it is alone. An
// event keeps no run waiting, so it counts when there is nothing else.
func (r *OpenRun) pending(a *workflowpb.PendingActivityInfo) {
	switch a.GetActivityType().GetName() {
	case flow.AwaitTokenSubmission:
		if r.Trying == nil {
			r.Waits = ForLink
		}
	case flow.SendEmail:
		r.Waits, r.Trying = ForMail, attemptOf(a)
		if r.Trying.Why == flow.StoreAway {
			r.Waits = ForStore
		}
	case flow.ChangePassword, flow.RecordCancel, flow.GiveUpNotice, workflow.BlockPassword:
		r.Waits, r.Trying = ForStore, attemptOf(a)
	case flow.TellHost:
		r.telling = attemptOf(a)
	}
}
