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

// ErrTarget means that a text names no run. It does not repeat the text, which may be an address.
var ErrTarget = errors.New("want a mail address, a run ID or a workflow ID (reset/..., invitation/..., forced-reset/...)")

// ErrSeveral means that an account has open runs of several flows, and that an address names none of
// them. The text has their workflow IDs.
var ErrSeveral error = several(nil)

// several are the workflow IDs of an ErrSeveral.
type several []string

func (s several) Error() string {
	return "the account has several open runs: name one of them by its workflow ID: " + strings.Join(s, ", ")
}

func (several) Is(target error) bool { _, ok := target.(several); return ok }

// target is the run of an operator's command. An empty run ID is the newest of the workflow ID.
type target struct{ workflowID, runID string }

var runID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// named finds the run that a text names: a run ID, a workflow ID, or the address of an account. Of an
// account it is the undecided one, or else the newest. Errors: ErrTarget, ErrSeveral,
// account.ErrAddress, ErrNoRun.
func (c *Client) named(ctx context.Context, text string) (Run, error) {
	t := target{workflowID: text}
	switch _, ok := c.flowOf(text); {
	case ok:
	case runID.MatchString(text):
		var err error
		if t, err = c.byRunID(ctx, text); err != nil {
			return Run{}, err
		}
	case strings.Contains(text, "@"):
		runs, err := c.newest(ctx, text)
		if err != nil {
			return Run{}, err
		}
		r, open, err := undecided(runs)
		if err == nil && !open {
			r = runs[0]
		}
		return r, err
	default:
		return Run{}, ErrTarget
	}
	return c.find(ctx, t)
}

// CheckTarget judges a text that names a run of rekey's flows, before a [Client] is there. Errors:
// ErrTarget, account.ErrAddress.
func CheckTarget(text string) error {
	if strings.Contains(text, "@") {
		_, err := account.ParseAddress(text)
		return err
	}
	if _, ok := workflow.Of(text); !ok && !runID.MatchString(text) {
		return ErrTarget
	}
	return nil
}

// undecided is the run of an account that is neither over nor decided, false without one. Errors:
// ErrSeveral.
func undecided(runs []Run) (one Run, ok bool, err error) {
	var open several
	for _, r := range runs {
		if !r.Settled() {
			one, open = r, append(open, r.WorkflowID)
		}
	}
	if len(open) > 1 {
		return Run{}, false, open
	}
	return one, len(open) == 1, nil
}

// accountKey is that of an address, which ends the workflow IDs of its account. Errors:
// account.ErrAddress.
func (c *Client) accountKey(address string) (string, error) {
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
	return accounts.Key(address), nil
}

func (c *Client) byRunID(ctx context.Context, id string) (target, error) {
	found, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: c.namespace, PageSize: 1, Query: c.types() + fmt.Sprintf(" AND RunId = '%s'", id),
	})
	if err != nil {
		return target{}, err
	}
	if len(found.GetExecutions()) == 0 {
		return target{}, noRun("namespace " + c.namespace + " keeps no run of this ID")
	}
	return target{found.GetExecutions()[0].GetExecution().GetWorkflowId(), id}, nil
}

// types is the condition of a visibility query for the runs of the client's flows.
func (c *Client) types() string {
	var names []string
	for _, d := range c.flows() {
		names = append(names, d.Name)
	}
	return flow.OfType(names...)
}
