package site

import (
	"bytes"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// State is how an account's run ended, "" while it goes on.
func (s *Site) State(t *testing.T, temporal client.Client, who account.Account) string {
	t.Helper()
	run, err := temporal.DescribeWorkflowExecution(t.Context(), s.WorkflowID(t, who), "")
	if err != nil {
		t.Fatal(err)
	}
	info := run.GetWorkflowExecutionInfo()
	if workflow.Open(info.GetStatus()) {
		return ""
	}
	if info.GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return info.GetStatus().String()
	}
	value := info.GetSearchAttributes().GetIndexedFields()[workflow.StateAttribute.GetName()].GetData()
	return string(bytes.Trim(value, `"`))
}

// WorkflowID is that of a person's resets.
func (s *Site) WorkflowID(t *testing.T, who account.Account) string {
	t.Helper()
	accounts, err := keys.Open(s.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return workflow.ID(accounts.Key(who.Address))
}
