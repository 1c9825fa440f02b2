package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// resetRun is what an operator may know of a run: no address, no link, no token.
type resetRun struct {
	Workflow string    `json:"workflow_id"`
	Run      string    `json:"run_id"`
	State    string    `json:"state"` // of the machine, or how the run was ended from outside
	Open     bool      `json:"open"`
	Paused   bool      `json:"paused,omitempty"` // by an operator, in Temporal
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended,omitzero"`
	Mails    int       `json:"mails"`              // links that it mailed, or withheld, or mails now
	Asked    int       `json:"asked,omitempty"`    // requests since the last of them, which mailed nothing
	Trying   *attempt  `json:"mailing,omitempty"`  // the mail that is on its way
	Expires  time.Time `json:"expires,omitzero"`   // when the run ends unless its link is used
	Withheld string    `json:"withheld,omitempty"` // why the last link was not mailed
	Failure  string    `json:"failure,omitempty"`  // the type of what failed the run
	Refused  string    `json:"refused,omitempty"`  // why the store refused the change
	Untold   bool      `json:"untold,omitempty"`   // the password was changed, and its owner was told nothing by this run
	Sealed   bool      `json:"sealed,omitempty"`   // the three above are not known: payload.json is not there, or lacks the key
	URL      string    `json:"url,omitempty"`

	story *story
}

// attempt is how far a mail has come.
type attempt struct {
	Number int32     `json:"attempt"`
	Next   time.Time `json:"next,omitzero"` // when it is tried again; zero while it is being tried
	Why    string    `json:"why,omitempty"` // the type of the last failure
}

// tried is how far a pending activity has come.
func tried(a *workflowpb.PendingActivityInfo) *attempt {
	t := &attempt{Number: a.GetAttempt(), Why: kindOf(a.GetLastFailure())}
	if next := a.GetNextAttemptScheduleTime(); next != nil {
		t.Next = next.AsTime().Truncate(time.Second)
	}
	return t
}

func (a *attempt) reason() string {
	if a.Why == "" {
		return ""
	}
	return ", the last one ended with " + a.Why
}

var failureType = regexp.MustCompile(`^[A-Za-z0-9_.*-]{1,64}$`)

// kindOf is the type of a failure, which is in clear. Anybody who may talk to Temporal can
// report one of any type, so only what looks like one is shown.
func kindOf(f *failurepb.Failure) string {
	switch kind := f.GetApplicationFailureInfo().GetType(); {
	case f.GetTimeoutFailureInfo() != nil:
		return "timeout"
	case failureType.MatchString(kind):
		return kind
	default:
		return ""
	}
}

var errNoRun = refusal("Temporal keeps no reset of this account")

// find reads a run. Errors: errNoRun.
func (d *desk) find(ctx context.Context, t target) (resetRun, error) {
	now, err := d.DescribeWorkflowExecution(ctx, t.workflowID, t.runID)
	if errors.As(err, new(*serviceerror.NotFound)) {
		return resetRun{}, errNoRun
	}
	if err != nil {
		return resetRun{}, err
	}
	t.runID = now.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	s, err := d.story(ctx, t)
	if err != nil {
		return resetRun{}, err
	}
	r := s.summary(t)
	r.Paused = now.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	if r.Open && s.waiting {
		r.mailing(now.GetPendingActivities())
	}
	return r, nil
}

// summary is all that the history alone tells.
func (s *story) summary(t target) resetRun {
	r := resetRun{
		Workflow: t.workflowID, Run: t.runID, State: s.now(), Open: s.ended.IsZero(), story: s,
		Started: s.started.Truncate(time.Second), Ended: s.ended.Truncate(time.Second),
		Mails: s.mails, Asked: s.asked, Withheld: string(s.withheld), Refused: s.refused, Sealed: s.sealed, Failure: s.failure,
		Untold: s.untold && (!s.ended.IsZero() || s.state == statemachine.StateCompleted),
	}
	if r.Open && s.waiting {
		r.Expires = s.expires.Truncate(time.Second)
	}
	return r
}

func (d *desk) story(ctx context.Context, t target) (*story, error) {
	s := &story{open: d.open, kinds: map[int64]string{}}
	events := d.GetWorkflowHistory(ctx, t.workflowID, t.runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("history of run %s: %w", t.runID, err)
		}
		s.read(e)
	}
	return s, nil
}

// mailing notes the mail that Temporal has a worker try. While it is on its way the run
// does not expire.
func (r *resetRun) mailing(pending []*workflowpb.PendingActivityInfo) {
	for _, a := range pending {
		if a.GetActivityType().GetName() != workflow.SendEmail {
			continue
		}
		r.Expires, r.Trying = time.Time{}, tried(a)
	}
}

// runs reads an account's newest runs, the newest first. Errors: errNoRun.
func (d *desk) runs(ctx context.Context, workflowID string, most int) ([]resetRun, error) {
	newest, err := d.find(ctx, target{workflowID: workflowID})
	if err != nil {
		return nil, err
	}
	listed, err := d.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: d.namespace, PageSize: int32(most), //nolint:gosec // checked to be small
		Query: fmt.Sprintf("WorkflowId = '%s'", workflowID),
	})
	if err != nil {
		return nil, err
	}
	found := []resetRun{newest}
	for _, e := range listed.GetExecutions() {
		id := e.GetExecution().GetRunId()
		if id == newest.Run || len(found) == most {
			continue
		}
		r, err := d.find(ctx, target{workflowID, id})
		if errors.Is(err, errNoRun) { // its time is up, and the list lags behind
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	slices.SortStableFunc(found[1:], func(a, b resetRun) int { return cmp.Compare(b.Started.Unix(), a.Started.Unix()) })
	return found, nil
}

// page is where Temporal's UI shows a run.
func page(ui, namespace string, r resetRun) string {
	if ui == "" {
		return ""
	}
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s/%s/history",
		strings.TrimSuffix(ui, "/"), url.PathEscape(namespace), url.PathEscape(r.Workflow), r.Run)
}
