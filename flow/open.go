package flow

import (
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/statemachine"
)

// ErrNotSetUp means that a namespace lacks StateAttribute.
var ErrNotSetUp = errors.New("the namespace is not set up for rekey: run `rekey setup`")

// OpenRuns is the condition of a visibility query for runs that have not ended.
const OpenRuns = "ExecutionStatus IN ('Running', 'Paused')"

// Open reports whether a run goes on. A paused one does when it is unpaused. A status that this
// build does not know is no end: the final ones are all here.
func Open(s enumspb.WorkflowExecutionStatus) bool {
	switch s {
	case enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_FAILED,
		enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED, enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return false
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED,
		enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED:
		return true
	}
	return true
}

// GoesOn reports that the newest run of a workflow ID is open and has the same first run ID as the
// asked run. The newest run may be the asked one, one after a workflow reset, or the next run,
// which takes over pending notices.
func GoesOn(asked, newest *workflowpb.WorkflowExecutionInfo) bool {
	return Open(newest.GetStatus()) && newest.GetFirstRunId() == asked.GetFirstRunId()
}

// StateOf is the value of StateAttribute among search attributes, which are in clear. It is false
// when the value is missing or no text.
func StateOf(a *commonpb.SearchAttributes) (state statemachine.State, ok bool) {
	value, ok := a.GetIndexedFields()[StateAttribute.GetName()]
	if !ok || converter.GetDefaultDataConverter().FromPayload(value, &state) != nil {
		return "", false
	}
	return state, true
}
