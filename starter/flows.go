package starter

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/workflow"
)

// ErrNoRun means that no run of the flow is open for the address.
var ErrNoRun = errors.New("no run is open for the address")

// Of returns a client of the runs and links of another flow, whose links live that long. It shares
// connection, keys, limits and hashing budget with c, and ends with it.
func (c *Client) Of(d flow.Definition, linkLife time.Duration) *Client {
	other := *c
	other.flow, other.purposes, other.cfg.LinkLife = d, link.Of(d.Kind), linkLife
	other.links = c.links.Knowing(other.purposes)
	return &other
}

// DefaultInviteLife is how long the link of an invitation works. A guest did not ask for the mail, and
// may read it after a weekend.
const DefaultInviteLife = 72 * time.Hour

// Invite invites the owner of an address to choose the first password of its account. The inviter is
// named in the mail, and may be empty. The audit log has "application" as the operator, since users
// choose their names. See [Client.Demand].
func (c *Client) Invite(ctx context.Context, email, inviter string) error {
	return c.Of(workflow.Invite, DefaultInviteLife).Demand(ctx, email, "application", inviter)
}

// Demand starts a run for an address on behalf of a backend, which is no stranger: no limit of this
// client bounds it. The run looks the account up, so a nil error says nothing of it. When a run is
// open already, the address gets another mail, unless a mail is on its way, or the cool-down is not
// over. A flow that begins anew ([flow.Definition.Anew]) ends that run and starts another. Operator
// names the caller for the audit log, and note is a text for the mail. Errors: account.ErrAddress,
// ErrUnavailable.
func (c *Client) Demand(ctx context.Context, email, operator, note string) error {
	return c.DemandOnce(ctx, email, operator, note, "")
}

// DemandOnce is Demand with the caller's name for it, such as a random text. The same operator, address
// and name again are the same demand: while its run is open nothing is done, and a flow that begins
// anew does its work once. An empty name is always another demand. Errors: those of Demand.
func (c *Client) DemandOnce(ctx context.Context, email, operator, note, name string) error {
	in, err := c.request(email)
	if err != nil {
		return err
	}
	in.Operator, in.Note, in.Order, in.At = operator, note, rand.Text(), c.cfg.Now().UTC()
	if name != "" {
		in.Order = strings.Join([]string{operator, name, in.AccountKey}, "/")
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	if name != "" {
		if known, err := c.carriesOut(ctx, in); known || err != nil {
			return c.fault(err)
		}
	}
	return c.fault(c.start(ctx, in, false))
}

// carriesOut reports that the open run of an account began with the order of a demand.
func (c *Client) carriesOut(ctx context.Context, in flow.Request) (bool, error) {
	run, err := c.temporal.DescribeWorkflowExecution(ctx, c.flow.ID(in.AccountKey), "")
	if notFound(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	info := run.GetWorkflowExecutionInfo()
	var order string
	memo := info.GetMemo().GetFields()[orderMemo]
	return memo != nil && flow.Open(info.GetStatus()) && c.data.FromPayload(memo, &order) == nil && order == in.Order, nil
}

// Resend asks the open run of an address for another mail. Errors: account.ErrAddress, ErrNoRun,
// ErrUnavailable.
func (c *Client) Resend(ctx context.Context, email, operator string) error {
	return c.signal(ctx, email, flow.RequestSignal, operator)
}

// Withdraw cancels the open run of an address. A run that has accepted a submission ignores it.
// Errors: account.ErrAddress, ErrNoRun, ErrUnavailable.
func (c *Client) Withdraw(ctx context.Context, email, operator string) error {
	return c.signal(ctx, email, flow.DisownSignal, operator)
}

func (c *Client) signal(ctx context.Context, email, signal, operator string) error {
	address, err := account.ParseAddress(email)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	key := c.accountKeys.Key(address)
	run, err := c.temporal.DescribeWorkflowExecution(ctx, c.flow.ID(key), "")
	if err == nil {
		by := flow.Caller{AccountKey: key, Operator: operator, Run: run.GetWorkflowExecutionInfo().GetExecution().GetRunId()}
		err = c.temporal.SignalWorkflow(ctx, c.flow.ID(key), "", signal, by)
	}
	if notFound(err) {
		return ErrNoRun
	}
	return c.fault(err)
}

// Confirm uses a link of a flow in which nobody submits a password. The same link again has the same
// answer. Errors: those of [Client.Submit] that are about links.
func (c *Client) Confirm(ctx context.Context, token string) error {
	l, err := c.open(c.purposes.Use, token)
	if err != nil {
		return err
	}
	s := keys.NewPassword{Digest: l.token.Digest(), Accepted: c.cfg.Now().UTC(), Client: clientAddr(ctx)}
	wait, err := c.pendingWait(ctx, l)
	switch {
	case err != nil:
		return err
	case wait != "" && l.expired:
		return ErrLinkExpired
	case wait == "":
		decided, err := c.decision(ctx, l)
		if errors.Is(err, errUndecided) {
			return ErrPending
		} else if err != nil {
			return err
		}
		return answer(decided, s.ID())
	}
	submission, err := c.sealFor(l, s)
	if err != nil {
		return err
	}
	return c.deliver(ctx, l, wait, submission)
}
