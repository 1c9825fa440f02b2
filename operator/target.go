package operator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// ErrTarget means that a text names no reset. It does not repeat the text, which may be an address.
var ErrTarget = errors.New("want a mail address, a run ID or a workflow ID (reset/...)")

// target is the run of an operator's command. An empty run ID is the account's newest.
type target struct{ workflowID, runID string }

var runID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// target finds the run that a text names: an address, a run ID or a workflow ID. Errors: ErrTarget,
// account.ErrAddress, ErrNoRun.
func (c *Client) target(ctx context.Context, text string) (target, error) {
	switch {
	case runID.MatchString(text):
		return c.byRunID(ctx, text)
	case workflow.ResetPassword.ID(flow.AccountKey(text)) == text:
		return target{workflowID: text}, nil
	case strings.Contains(text, "@"):
		id, err := c.workflowID(text)
		return target{workflowID: id}, err
	default:
		return target{}, ErrTarget
	}
}

// workflowID is that of an account's runs. Errors: account.ErrAddress.
func (c *Client) workflowID(address string) (string, error) {
	address, err := account.ParseAddress(address)
	if err != nil {
		return "", err
	}
	if c.keys.IsZero() {
		return "", errNoKeys
	}
	accounts, err := c.keys.AccountKeys()
	if err != nil {
		return "", err
	}
	return workflow.ResetPassword.ID(accounts.Key(address)), nil
}

func (c *Client) byRunID(ctx context.Context, id string) (target, error) {
	found, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: c.namespace, PageSize: 1,
		Query: fmt.Sprintf("WorkflowType = '%s' AND RunId = '%s'", workflow.ResetPassword.Name, id),
	})
	if err != nil {
		return target{}, err
	}
	if len(found.GetExecutions()) == 0 {
		return target{}, noRun("namespace " + c.namespace + " keeps no reset of this run ID")
	}
	return target{found.GetExecutions()[0].GetExecution().GetWorkflowId(), id}, nil
}
