package site

import (
	"bytes"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// State is how an account's run ended, "" while it goes on.
func (s *Site) State(t *testing.T, temporal client.Client, who account.Account) string {
	t.Helper()
	return StateOf(s.Describe(t, temporal, who, ""))
}

// Describe is an account's run of this ID, or the last one.
func (s *Site) Describe(t *testing.T, temporal client.Client, who account.Account, run string) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	found, err := temporal.DescribeWorkflowExecution(t.Context(), s.WorkflowID(t, who), run)
	if err != nil {
		t.Fatal(err)
	}
	return found.GetWorkflowExecutionInfo()
}

// StateOf is how a run ended, "" while it goes on.
func StateOf(info *workflowpb.WorkflowExecutionInfo) string {
	if flow.Open(info.GetStatus()) {
		return ""
	}
	if s := info.GetStatus(); s != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED && s != enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW {
		return s.String()
	}
	value := info.GetSearchAttributes().GetIndexedFields()[flow.StateAttribute.GetName()].GetData()
	return string(bytes.Trim(value, `"`))
}

// WorkflowID is that of a person's resets.
func (s *Site) WorkflowID(t *testing.T, who account.Account) string {
	t.Helper()
	accounts, err := keys.Open(s.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return workflow.ResetPassword.ID(accounts.Key(who.Address))
}
