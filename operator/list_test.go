package operator

import (
	"context"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// young is a Temporal whose runs began a moment ago: RekeyState of all is requested. The name of
// each is the activity that it waits for.
type young struct{ client.Client }

var waits = []string{flow.AwaitTokenSubmission, flow.SendEmail, flow.ChangePassword, mailWithoutStore, workflow.BlockPassword, flow.TellHost}

// mailWithoutStore waits for a mail that needs the store first.
const mailWithoutStore = "mail without the store"

func (young) ListWorkflow(_ context.Context, r *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	found := &workflowservice.ListWorkflowExecutionsResponse{}
	if strings.Contains(r.GetQuery(), string(flow.WaitingForMail)) || strings.Contains(r.GetQuery(), string(flow.WaitingForStore)) {
		return found, nil
	}
	for _, name := range waits {
		found.Executions = append(found.Executions, &workflowpb.WorkflowExecutionInfo{Execution: &commonpb.WorkflowExecution{WorkflowId: name}})
	}
	return found, nil
}

func (young) DescribeWorkflowExecution(_ context.Context, id, _ string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	pending := func(name string) *workflowpb.PendingActivityInfo {
		a := &workflowpb.PendingActivityInfo{ActivityType: &commonpb.ActivityType{Name: name}, Attempt: 3}
		if name == mailWithoutStore {
			a.ActivityType.Name, a.LastFailure = flow.SendEmail, temporal.GetDefaultFailureConverter().ErrorToFailure(temporal.NewApplicationError("", flow.StoreAway))
		}
		return a
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING},
		PendingActivities:     others(id, pending),
	}, nil
}

// others are the open activities of a run. An event is told beside each, and alone after its end.
func others(id string, pending func(string) *workflowpb.PendingActivityInfo) []*workflowpb.PendingActivityInfo {
	if id == flow.TellHost {
		return []*workflowpb.PendingActivityInfo{pending(id)}
	}
	return []*workflowpb.PendingActivityInfo{pending(flow.AwaitTokenSubmission), pending(id), pending(flow.TellHost)}
}

// An outage is listed from its first minute on, before RekeyState shows it.
func TestListOfAYoungOutage(t *testing.T) {
	t.Parallel()
	for waiting, want := range map[string]string{
		ForLink: flow.AwaitTokenSubmission, ForMail: flow.SendEmail, ForStore: flow.ChangePassword + " " + mailWithoutStore + " " + workflow.BlockPassword,
		ForEvent: flow.TellHost,
		"":       strings.Join(waits, " "),
	} {
		found, err := (&Client{temporal: young{}, namespace: "default", queue: "rekey"}).List(t.Context(), waiting, 50)
		var got []string
		for _, r := range found {
			got = append(got, r.WorkflowID)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v, want %q", waiting, got, err, want)
		}
	}
}
