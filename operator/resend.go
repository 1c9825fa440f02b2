package operator

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/workflow"
)

// Results of a request for a mail, beside Asked.
const (
	Mailed        = "mailed"
	Withheld      = "withheld" // Run.Withheld says why
	NothingMailed = "nothing"  // Resent.Why says why
)

// Further values of [Resent.Why].
const (
	// RunFull means that the run has reached Temporal's limit of signals and accepts no request.
	RunFull flow.Unanswered = "run_full"
	// NotOpen means that the run is over, and that no other one was started for the request.
	NotOpen flow.Unanswered = "not_open"
)

// Order is a request for a mail.
type Order struct {
	// Address is that of an account. Its open run gets the request, of any flow. Without an open run
	// it starts a reset.
	Address string
	// Run is a run ID or a workflow ID, in place of an Address. It starts no run.
	Run string

	Operator string // name, for the audit log

	// LinkLife and CoolDown hold for a reset that this starts. Defaults are those of the starter.
	LinkLife, CoolDown time.Duration
}

// Resent is the result of an [Order].
type Resent struct {
	Result string          // Mailed, Withheld, Asked or NothingMailed
	Why    flow.Unanswered // why no request was sent
	Again  time.Time       // the next time for a request, when Why is flow.InCoolDown
	Run    Run
}

// Resend requests another link as the account owner would, within the same limits, and waits some
// seconds for the mail. Only a reset is started by it. Errors: ErrReadOnly, ErrTarget, ErrSeveral,
// ErrNoRun, account.ErrAddress, ErrOperator.
func (c *Client) Resend(ctx context.Context, o Order) (Resent, error) {
	if err := c.mayWrite(o.Operator); err != nil {
		return Resent{}, err
	}
	if o.Run != "" {
		r, err := c.named(ctx, o.Run)
		if err != nil {
			return Resent{}, err
		}
		return c.ask(ctx, r, o.Operator)
	}
	runs, err := c.newest(ctx, o.Address)
	if err != nil && !errors.Is(err, ErrNoRun) {
		return Resent{}, err
	}
	r, open, severalErr := undecided(runs)
	_, resets := c.flowOf(workflow.ResetPassword.ID(""))
	switch {
	case severalErr != nil:
		return Resent{}, severalErr
	case open && r.Flow != workflow.ResetPassword.Kind:
		return c.ask(ctx, r, o.Operator)
	case resets:
		return c.reset(ctx, o)
	case err != nil:
		return Resent{}, err
	}
	return Resent{Result: NothingMailed, Why: NotOpen, Run: runs[0]}, nil
}

// ask requests a link of an open run, or of the one that continues it.
func (c *Client) ask(ctx context.Context, r Run, operator string) (Resent, error) {
	if m := r.answer(time.Now()); m.Why != "" {
		return m, nil
	}
	caller := flow.Caller{AccountKey: flow.AccountKey(r.WorkflowID), Operator: operator}
	err := c.temporal.SignalWorkflow(ctx, r.WorkflowID, r.RunID, flow.RequestSignal, caller)
	switch {
	case starter.SignalsFull(err):
		return Resent{Result: NothingMailed, Why: RunFull, Run: r}, nil
	case errors.As(err, new(*serviceerror.NotFound)): // it has ended
		return Resent{Result: NothingMailed, Why: NotOpen, Run: r}, nil
	case err != nil:
		return Resent{}, err
	}
	return c.awaitMail(ctx, target{workflowID: r.WorkflowID}, r)
}

// reset requests a link of the account's reset, which starts unless it is open.
func (c *Client) reset(ctx context.Context, o Order) (Resent, error) {
	in, err := c.request(o)
	if err != nil {
		return Resent{}, err
	}
	newest := target{workflowID: workflow.ResetPassword.ID(in.AccountKey)}
	before, err := c.find(ctx, newest)
	if err != nil && !errors.Is(err, ErrNoRun) {
		return Resent{}, err
	}
	if m := before.answer(time.Now()); m.Why != "" {
		return m, nil
	}
	options := starter.StartOptions(workflow.ResetPassword, in, c.queue)
	caller := flow.Caller{AccountKey: in.AccountKey, Operator: in.Operator}
	_, err = c.temporal.SignalWithStartWorkflow(ctx, options.ID, flow.RequestSignal, caller, options, workflow.ResetPassword.Name, in)
	switch {
	case starter.SignalsFull(err):
		return Resent{Result: NothingMailed, Why: RunFull, Run: before}, nil
	case err != nil:
		return Resent{}, err
	}
	return c.awaitMail(ctx, newest, before)
}

func (c *Client) request(o Order) (flow.Request, error) {
	address, err := account.ParseAddress(o.Address)
	if err != nil {
		return flow.Request{}, err
	}
	key, err := c.accountKey(address)
	if o.LinkLife == 0 {
		o.LinkLife = starter.DefaultLinkLife
	}
	if o.CoolDown == 0 {
		o.CoolDown = starter.DefaultCoolDown
	}
	return flow.Request{
		Address: address, AccountKey: key, Operator: o.Operator,
		LinkLife: o.LinkLife, MailPause: starter.MailPause(o.CoolDown),
	}, err
}

// answer has a Why when a request would mail nothing now.
func (r Run) answer(now time.Time) Resent {
	if r.story == nil { // there is no run
		return Resent{}
	}
	m := Resent{Result: NothingMailed, Run: r, Why: r.story.unanswered(now)}
	if m.Why == flow.InCoolDown {
		m.Again = r.story.links.mailedAt.Add(r.story.in.MailPause)
	}
	return m
}

// awaitMail looks until a newer mail is decided.
func (c *Client) awaitMail(ctx context.Context, t target, before Run) (Resent, error) {
	had := 0
	if before.story != nil {
		had = before.story.links.answered
	}
	answered := func(r Run) bool {
		n := r.story.links.answered
		return n > 0 && (r.RunID != before.RunID || n > had) && (!r.Expires.IsZero() || !r.story.waiting)
	}
	after, err := c.lookUntil(ctx, t, answered)
	switch {
	case err != nil:
		return Resent{}, err
	case !answered(after):
		return Resent{Result: Asked, Run: after}, nil
	case after.Withheld != "":
		return Resent{Result: Withheld, Run: after}, nil
	default:
		return Resent{Result: Mailed, Run: after}, nil
	}
}
