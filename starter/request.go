package starter

import (
	"context"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// Request implements [Resets]. It runs nothing that depends on the account: the run that it starts
// looks the account up.
//
// An account has one run at most. While that run is open, a request repeats the first one. After
// the cool-down the run mails another link; see [MailPause].
func (c *Client) Request(ctx context.Context, email string) error {
	in, err := c.request(email)
	if err != nil {
		return err
	}
	in.Client, in.Locale, in.Asked = clientAddr(ctx), Locale(ctx), c.cfg.Now().UTC().Truncate(time.Minute)
	repeat := c.signaledLately(c.flow.ID(in.AccountKey))
	if !c.admits(ctx, repeat) {
		return ErrOverloaded
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	early := time.NewTimer(c.pace.answer())
	defer early.Stop()
	err = c.start(ctx, in, repeat)
	select {
	case <-early.C:
	case <-ctx.Done():
	}
	return c.fault(err)
}

// request is the input of a run for an address. Errors: account.ErrAddress.
func (c *Client) request(email string) (flow.Request, error) {
	address, err := account.ParseAddress(email)
	if err != nil {
		return flow.Request{}, err
	}
	return flow.Request{
		Address: address, AccountKey: c.accountKeys.Key(address), Flow: c.flow.Mark(),
		LinkLife: c.cfg.LinkLife, MailPause: MailPause(c.cfg.CoolDown),
	}, nil
}

// start starts a run or signals the open one. Repeats must leave no more than an event or two on a
// run, or a flood of them would fill its history.
func (c *Client) start(ctx context.Context, in flow.Request, repeat bool) error {
	options := StartOptions(c.flow, in, c.cfg.TaskQueue)
	last, _ := c.recent.Get(options.ID)
	if repeat {
		done, late, err := c.repeated(ctx, options.ID, last)
		if done || err != nil {
			return err
		}
		last.late = late
	}
	last.at = c.cfg.Now()
	caller := flow.Caller{AccountKey: in.AccountKey, Client: in.Client, Operator: in.Operator, Locale: in.Locale, Asked: in.Asked}
	began := time.Now()
	_, err := c.temporal.SignalWithStartWorkflow(ctx, options.ID, flow.RequestSignal, caller, options, c.flow.Name, in)
	if err == nil || SignalsFull(err) { // the run has had 10,000 requests; it knows
		c.pace.started(began)
		c.recent.Add(options.ID, last)
		return nil
	}
	return err
}

// sent is the last signal to the run of an account.
type sent struct {
	at   time.Time
	late signaledRun
}

// signaledRun is a run that a repeated request signaled. It did so once while the run waited for a
// link that may have ended, and once when the run had no wait.
type signaledRun struct {
	run   string // ID
	waits bool
}

// MailPause is the part of a cool-down in which a run mails no other link: half of it, after the
// last mail. For the other half a client sends the run no further request after its last one. Both
// together last at most a cool-down. So a request that comes a whole cool-down after a mail always
// reaches the run and mails a link.
func MailPause(coolDown time.Duration) time.Duration { return coolDown / 2 }

func (c *Client) signaledLately(workflowID string) bool {
	last, ok := c.recent.Get(workflowID)
	return ok && c.cfg.Now().Sub(last.at) < c.cfg.CoolDown-MailPause(c.cfg.CoolDown)
}

// untouched is how many events the history of a run has before its first worker: its start, the
// signal and their task.
const untouched = 3

// repeated reports that a request needs no signal. The run is about to mail its first link, waits
// for a good one, or was signaled already. Otherwise late is the run that still needs a signal,
// its zero value when none is open. A run younger than the life of a link has a good one, or is to
// mail another. An older one may have none, and be open for the grace. The run knows, so it gets a
// signal.
func (c *Client) repeated(ctx context.Context, id string, last sent) (done bool, late signaledRun, err error) {
	began := time.Now()
	run, err := c.temporal.DescribeWorkflowExecution(ctx, id, "")
	if err == nil || notFound(err) {
		c.pace.looked(began)
	}
	if notFound(err) {
		return false, signaledRun{}, nil
	}
	if err != nil {
		return false, signaledRun{}, err
	}
	info := run.GetWorkflowExecutionInfo()
	if !flow.Open(info.GetStatus()) {
		return false, signaledRun{}, nil
	}
	waits := waitOf(run) != "" && !over(info.GetSearchAttributes())
	young := c.cfg.Now().Sub(info.GetStartTime().AsTime()) < c.cfg.LinkLife
	if waits && young || info.GetHistoryLength() <= untouched {
		return true, signaledRun{}, nil
	}
	late = signaledRun{info.GetExecution().GetRunId(), waits}
	return last.late == late, late, nil
}

// over reports that a reset has ended, although its run may be open and still list its wait.
func over(a *commonpb.SearchAttributes) bool {
	state, ok := flow.StateOf(a)
	return ok && !flow.Going(state)
}

// orderMemo is the memo that has the order of a run of a flow that begins anew. It is sealed.
const orderMemo = "order"

// StartOptions are the options of every start of a run of a flow on a task queue. There is one at
// most for an account, with the search attribute that operators find it by. An open run stays, or is
// ended ([flow.Definition.Anew]).
func StartOptions(d flow.Definition, in flow.Request, queue string) client.StartWorkflowOptions {
	conflict := enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	if d.Anew {
		conflict = enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
	}
	var memo map[string]any
	if d.Anew {
		memo = map[string]any{orderMemo: in.Order}
	}
	return client.StartWorkflowOptions{
		ID:                       d.ID(in.AccountKey),
		TaskQueue:                queue,
		WorkflowIDConflictPolicy: conflict,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			flow.StateAttribute.ValueSet(string(statemachine.StateRequested))),
		StaticSummary: d.Summary,
		StaticDetails: flow.Details,
		Memo:          memo,
	}
}
