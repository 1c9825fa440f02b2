package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// Errors of campaigns.
var (
	// ErrCampaign means that a campaign is going on already.
	ErrCampaign = errors.New("a campaign is going on already: wait for its end, or cancel it")
	// ErrNoCampaign means that Temporal has no campaign, or its retention is over.
	ErrNoCampaign = errors.New("there is no campaign that Temporal keeps")
	// ErrCampaignOver means that a campaign takes no further command.
	ErrCampaignOver = errors.New("the campaign is over")
	// ErrCommand means that the campaign refused a command. Most often another operator's came first.
	ErrCommand = errors.New("the campaign refused the command: look at it, and try again")
	// ErrRate means that no campaign goes at such a rate.
	ErrRate = fmt.Errorf("want a rate from one account an hour (%.5f/s) to %g/s", workflow.MinRate, workflow.MaxRate)
	// ErrReason means that a text cannot stand in a mail.
	ErrReason = fmt.Errorf("want a reason of one line and %d characters at most", maxReason)
	// ErrList means that a list of addresses is empty, or too long for one campaign.
	ErrList = fmt.Errorf("want a list of 1 to %d addresses (%d bytes): split a longer one, or force all accounts",
		workflow.MaxAddresses, workflow.MaxAddressBytes)
)

const (
	// DefaultForcedLinkLife is how long the link of a forced reset works, unless the worker's
	// limit is shorter.
	DefaultForcedLinkLife = 24 * time.Hour
	maxReason             = 500
)

// CampaignOrder is the demand for a campaign: the forced reset of many accounts.
type CampaignOrder struct {
	Operator string  // name, for the audit log
	Reason   string  // for the mails; may be empty
	Rate     float64 // accounts per second, workflow.MinRate to workflow.MaxRate
	// Addresses are the accounts to force, in any order; nil forces all accounts.
	Addresses []string
	// After is Campaign.After of a campaign of all accounts, to go on behind it.
	After  string
	DryRun bool // counts the accounts, and forces none

	// LinkLife and CoolDown are those of each forced reset. Defaults are DefaultForcedLinkLife and
	// that of the starter.
	LinkLife, CoolDown time.Duration
}

// Campaign has the facts of a campaign for an operator.
type Campaign struct {
	State    string    `json:"state"` // a workflow.CampaignState, or how the run was ended from outside
	Operator string    `json:"operator"`
	Reason   string    `json:"reason,omitempty"`
	DryRun   bool      `json:"dry_run,omitempty"`
	Rate     float64   `json:"rate"`  // accounts per second
	Total    int       `json:"total"` // accounts that could be forced when it began; 0 is unknown
	Started  int       `json:"started"`
	Unfit    int       `json:"unfit"`  // that cannot be forced
	Failed   int       `json:"failed"` // whose run was not started
	Left     int       `json:"left"`
	Began    time.Time `json:"began,omitzero"`
	Ends     time.Time `json:"ends,omitzero"` // estimate, or fact of an ended one
	After    string    `json:"after,omitempty"`
	Refused  string    `json:"refused,omitempty"`
	// Resets are the forced resets of the campaign by their states, as visibility has them: some
	// seconds late, and within the retention of the namespace.
	Resets []Count `json:"resets,omitempty"`

	name     string
	commands int
}

// Over reports that no further account is forced. Resets may go on.
func (c Campaign) Over() bool {
	p := workflow.Progress{State: workflow.CampaignState(c.State)}
	return p.Ended() || c.State == Terminated || c.State == Failed || c.State == TimedOut
}

// StartCampaign begins a campaign. It goes on without this client. Errors: ErrReadOnly, ErrOperator,
// ErrCampaign, ErrRate, ErrReason, ErrList, account.ErrAddress.
func (c *Client) StartCampaign(ctx context.Context, o CampaignOrder) error {
	if err := c.mayWrite(o.Operator); err != nil {
		return err
	}
	in, err := campaign(o, time.Now())
	if err != nil {
		return err
	}
	_, err = c.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       workflow.ForceAllID(c.queue),
		TaskQueue:                                c.queue,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            flow.ForceAllSummary,
	}, workflow.ForceAllName, in)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return ErrCampaign
	}
	return err
}

// campaign is the input of a campaign.
func campaign(o CampaignOrder, now time.Time) (workflow.Campaign, error) {
	in := workflow.Campaign{
		Name: rand.Text(), At: now.UTC(), Operator: o.Operator, Reason: o.Reason, Rate: o.Rate, After: o.After,
		List: o.Addresses != nil, DryRun: o.DryRun, LinkLife: o.LinkLife,
	}
	if in.LinkLife == 0 {
		in.LinkLife = DefaultForcedLinkLife
	}
	if o.CoolDown == 0 {
		o.CoolDown = starter.DefaultCoolDown
	}
	in.MailPause = starter.MailPause(o.CoolDown)
	switch {
	case !workflow.ValidRate(o.Rate):
		return in, ErrRate
	case !account.IsLine(o.Reason, maxReason):
		return in, ErrReason
	case in.List && o.After != "":
		return in, errors.New("a list of addresses begins at its first line: remove those that are done")
	}
	var err error
	in.Addresses, err = listed(o.Addresses)
	return in, err
}

// AddressError is [account.ErrAddress] for an address of a list. It does not repeat the text.
type AddressError struct {
	Number int // of the address, from 1

	err error
}

// Error implements error.
func (e *AddressError) Error() string {
	return fmt.Sprintf("address %d of the list: %v", e.Number, e.err)
}

// Unwrap returns account.ErrAddress.
func (e *AddressError) Unwrap() error { return e.err }

// Lines are the addresses of a text that has one a line. Empty lines count for nothing.
func Lines(text string) []string {
	all := []string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// ParseRate reads accounts per second, minute or hour: 50/s, 600/m, 100/h, or 50 for 50/s. It returns
// accounts per second. Errors: ErrRate.
func ParseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	rate, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !workflow.ValidRate(rate/per) {
		return 0, ErrRate
	}
	return rate / per, nil
}

// listed are normalized addresses, each once. A bad one is named by its place: errors hold no
// address.
func listed(addresses []string) (all []string, err error) {
	seen, bytes := map[string]bool{}, 0
	for i, text := range addresses {
		address, err := account.ParseAddress(text)
		if err != nil {
			return nil, &AddressError{Number: i + 1, err: err}
		}
		if !seen[address] {
			all = append(all, address)
			seen[address] = true
			bytes += len(address)
		}
	}
	if addresses != nil && len(all) == 0 || len(all) > workflow.MaxAddresses || bytes > workflow.MaxAddressBytes {
		return nil, ErrList
	}
	return all, nil
}

// Campaign returns the newest campaign, also after its end. It needs a worker. Errors:
// ErrNoCampaign, keys.ErrUnknownKey without payload.json.
func (c *Client) Campaign(ctx context.Context) (Campaign, error) {
	found, err := c.campaign(ctx)
	if err != nil {
		return Campaign{}, err
	}
	found.Resets, err = c.countResets(ctx, found)
	return found, err
}

// campaign has the facts without the resets. A run that was ended from outside may be a stranger's,
// which answers nothing.
func (c *Client) campaign(ctx context.Context) (Campaign, error) {
	if c.payloads == nil {
		return Campaign{}, keys.ErrUnknownKey
	}
	run, err := c.temporal.DescribeWorkflowExecution(ctx, workflow.ForceAllID(c.queue), "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return Campaign{}, ErrNoCampaign
	} else if err != nil {
		return Campaign{}, err
	}
	info := run.GetWorkflowExecutionInfo()
	end, outside := endedFromOutside[info.GetStatus()]
	p, err := c.progress(ctx, info.GetExecution().GetRunId())
	if err != nil && !outside {
		return Campaign{}, err
	}
	found := facts(p)
	if outside {
		found.State, found.Ends = end, info.GetCloseTime().AsTime().Truncate(time.Second)
	}
	return found, nil
}

// endedFromOutside are the ends of a campaign that are not its own.
var endedFromOutside = map[enumspb.WorkflowExecutionStatus]string{
	enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED: Terminated,
	enumspb.WORKFLOW_EXECUTION_STATUS_FAILED:     Failed,
	enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:  TimedOut,
}

func (c *Client) progress(ctx context.Context, run string) (p workflow.Progress, err error) {
	answer, err := c.temporal.QueryWorkflow(ctx, workflow.ForceAllID(c.queue), run, workflow.ProgressQuery)
	if err == nil {
		err = answer.Get(&p)
	}
	if err != nil {
		return p, fmt.Errorf("ask the campaign for its progress: %w", err)
	}
	return p, nil
}

func facts(p workflow.Progress) Campaign {
	return Campaign{
		State: string(p.State), Operator: p.Operator, Reason: p.Reason, DryRun: p.DryRun, Rate: p.Rate,
		Total: p.Counts.Total, Started: p.Counts.Started, Unfit: p.Counts.Unfit, Failed: p.Counts.Failed,
		Left: p.Left, Began: p.Began.Truncate(time.Second), Ends: p.Ends.Truncate(time.Second), After: p.After, Refused: p.Refused,
		name: p.Name, commands: p.Commands,
	}
}

// countResets counts the forced resets that the campaign began, by their states.
func (c *Client) countResets(ctx context.Context, of Campaign) (counts []Count, err error) {
	if of.Started == 0 {
		return nil, nil
	}
	children := fmt.Sprintf("WorkflowType = '%s' AND %s AND ParentWorkflowId = '%s' AND StartTime >= '%s' AND ",
		workflow.ForceReset.Name, flow.InQueue(c.queue), workflow.ForceAllID(c.queue), of.Began.UTC().Format(time.RFC3339))
	counts = []Count{{Name: "open", condition: flow.OpenRuns}}
	for _, s := range []statemachine.State{
		statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateRefused, statemachine.StateCanceled,
	} {
		counts = append(counts, Count{Name: string(s), condition: stateIs(s) + " AND NOT " + flow.OpenRuns})
	}
	for i := range counts {
		answer, err := c.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: c.namespace, Query: children + counts[i].condition,
		})
		if err != nil {
			return nil, visibility("count forced resets", err)
		}
		counts[i].Runs = answer.GetCount()
	}
	return counts, nil
}

// PauseCampaign lets a campaign begin no further reset until it is resumed. Errors of this and the
// following methods: ErrReadOnly, ErrOperator, ErrNoCampaign, ErrCampaignOver, ErrCommand.
func (c *Client) PauseCampaign(ctx context.Context, operator string) (Campaign, error) {
	return c.command(ctx, workflow.Command{Do: workflow.PauseUpdate, Operator: operator})
}

// ResumeCampaign lets a paused campaign go on.
func (c *Client) ResumeCampaign(ctx context.Context, operator string) (Campaign, error) {
	return c.command(ctx, workflow.Command{Do: workflow.ResumeUpdate, Operator: operator})
}

// SetRate changes the rate, in accounts per second. Errors: ErrRate too.
func (c *Client) SetRate(ctx context.Context, operator string, rate float64) (Campaign, error) {
	if !workflow.ValidRate(rate) {
		return Campaign{}, ErrRate
	}
	return c.command(ctx, workflow.Command{Do: workflow.RateUpdate, Operator: operator, Rate: rate})
}

// CancelCampaign ends a campaign. The resets that it began go on.
func (c *Client) CancelCampaign(ctx context.Context, operator string) (Campaign, error) {
	return c.command(ctx, workflow.Command{Do: workflow.CancelUpdate, Operator: operator})
}

// command gives a command to the campaign as it is now.
func (c *Client) command(ctx context.Context, by workflow.Command) (Campaign, error) {
	if err := c.mayWrite(by.Operator); err != nil {
		return Campaign{}, err
	}
	now, err := c.campaign(ctx)
	switch {
	case err != nil:
		return Campaign{}, err
	case now.Over():
		return now, ErrCampaignOver
	}
	by.Campaign, by.Number = now.name, now.commands+1
	update, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflow.ForceAllID(c.queue), UpdateName: by.Do, Args: []any{by},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if errors.As(err, new(*serviceerror.NotFound)) {
		return now, ErrCampaignOver
	} else if err != nil {
		return now, err
	}
	var p workflow.Progress
	if err := update.Get(ctx, &p); errors.As(err, new(*temporal.ApplicationError)) {
		return now, ErrCommand
	} else if err != nil {
		return now, err
	}
	return facts(p), nil
}
