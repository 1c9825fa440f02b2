package starter

import (
	"cmp"
	"context"
	"errors"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
)

// openLink is a genuine link.
type openLink struct {
	claims     link.Claims
	token      link.Token
	workflowID string
	expired    bool
	hashing    password.Hasher // as the account's sign-in reads it
	policy     password.Policy // for passwords that it takes whole

	outside bool   // its run had ended from outside at the last look
	ended   string // the run, when the workflow ID is of its FinishReset
}

// toldFor is how long after the end of a link its holder still gets the result. By then any
// submission has been applied, by the slowest of clocks.
const toldFor = flow.ApplyWithin + 3*clockSkew

// open checks a link without any call. It is a filter: the store's record decides.
func (c *Client) open(purpose link.Purpose, text string) (*openLink, error) {
	claims, token, err := c.links.Open(purpose, text)
	if err != nil {
		return nil, ErrLinkInvalid
	}
	now := c.cfg.Now()
	if claims.Expired(now, toldFor) {
		return nil, ErrLinkExpired
	}
	l := &openLink{
		claims: claims, token: token, workflowID: c.flow.ID(claims.AccountKey), expired: claims.Expired(now, clockSkew),
		hashing: c.cfg.Hashing, policy: c.cfg.Policy,
	}
	if claims.Hash != "" {
		if l.hashing, err = password.Parse(claims.Hash); err != nil {
			return nil, c.fault(err) // of a newer release's worker: a starter of that release knows it
		}
	}
	if longest := l.hashing.MaxBytes(); longest > 0 {
		l.policy.MaxBytes = min(l.policy.MaxBytes, longest)
	}
	return l, nil
}

// Inspect implements [Resets].
func (c *Client) Inspect(ctx context.Context, token string) (Link, error) {
	l, err := c.open(c.purposes.Use, token)
	if err != nil {
		return Link{}, err
	}
	return c.inspect(ctx, l)
}

func (c *Client) inspect(ctx context.Context, l *openLink) (Link, error) {
	ends := l.claims.Expires
	out := Link{State: LinkOpen, Address: l.claims.Address, Expires: ends, Left: ends.Sub(c.cfg.Now()), MaxBytes: l.hashing.MaxBytes()}
	wait, err := c.pendingWait(ctx, l)
	switch {
	case l.expired && err != nil:
		return Link{}, err
	case l.expired && wait != "":
		return Link{}, ErrLinkExpired
	case err != nil, wait != "":
		return out, err
	}
	decided, err := c.decision(ctx, l)
	if errors.Is(err, errUndecided) {
		return c.inspectUndecided(ctx, l, out)
	}
	if err != nil {
		return Link{}, err
	}
	out.State = LinkChanged
	return out, answer(decided, decided.Accepted)
}

// inspectUndecided says "pending" only of a submission in the run's history. A run may also have
// no wait because an operator paused it, or because no worker has opened the next one.
func (c *Client) inspectUndecided(ctx context.Context, l *openLink, out Link) (Link, error) {
	accepted, err := c.accepted(ctx, l)
	switch {
	case err == nil && accepted != "":
		out.State = LinkPending
		return out, nil
	case l.expired:
		return Link{}, cmp.Or(err, ErrUnavailable)
	default:
		return out, cmp.Or(err, ErrUnavailable)
	}
}

// Follow implements [Resets]. A ticket names the run and holds no address, so it may stand in the
// address bar, where a link may not.
func (c *Client) Follow(token string) (string, error) {
	l, err := c.open(c.purposes.Use, token)
	if err != nil {
		return "", err
	}
	ticket, err := c.links.Seal(c.purposes.Follow, link.Claims{
		RunID: l.claims.RunID, AccountKey: l.claims.AccountKey, Expires: l.claims.Expires,
	})
	return ticket.Text(), err
}

// Followed implements [Resets].
func (c *Client) Followed(ctx context.Context, ticket string) (LinkState, error) {
	l, err := c.open(c.purposes.Follow, ticket)
	if err != nil {
		return "", err
	}
	now, err := c.inspect(ctx, l)
	return now.State, err
}

// Cancel implements [Resets]. It is a signal, so that the audit log can tell the owner from an
// operator. A signal is durable without a worker, and a run that has accepted a submission ignores
// it. It counts also after the link has expired: a stranger's earlier submission may not be set
// yet.
func (c *Client) Cancel(ctx context.Context, token string) error {
	l, err := c.open(c.purposes.Cancel, token)
	if err != nil {
		return err
	}
	l, disowned := c.disownAny(ctx, l)
	if disowned != nil && !notFound(disowned) {
		return c.fault(disowned)
	}
	decided, err := c.decision(ctx, l)
	switch open := errors.Is(err, errUndecided); {
	case disowned == nil && (open || errors.Is(err, ErrUnavailable)):
		return ErrPending
	case open: // the run accepted nothing, and does not say how it ended
		return c.fault(disowned)
	case err != nil:
		return err
	}
	return answerToCancel(decided)
}

func answerToCancel(decided flow.Outcome) error {
	switch decision := answer(decided, decided.Accepted); {
	case decision == nil:
		return ErrLinkUsed
	case errors.Is(decision, ErrLinkCanceled), errors.Is(decision, ErrLinkEnded):
		return nil
	default:
		return decision
	}
}

// disownAny signals the run of a link or, when that has ended, the one that goes on with it. It
// returns the link as if it were of the signaled run.
func (c *Client) disownAny(ctx context.Context, l *openLink) (*openLink, error) {
	err := c.disown(ctx, l, l.claims.RunID)
	if !notFound(err) {
		return l, err
	}
	if next, failed := c.successor(ctx, l); failed == nil && next != nil {
		return next, c.disown(ctx, l, next.claims.RunID)
	}
	return l, err
}

// disown signals a run that the owner canceled it. The link is of that run, or of the run that it
// goes on with.
func (c *Client) disown(ctx context.Context, l *openLink, run string) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	caller := flow.Caller{AccountKey: l.claims.AccountKey, LinkRun: l.claims.RunID, Client: clientAddr(ctx)}
	err := c.temporal.SignalWorkflow(ctx, l.workflowID, run, flow.DisownSignal, caller)
	if SignalsFull(err) { // a stranger wants to keep the owner from it
		return c.temporal.CancelWorkflow(ctx, l.workflowID, run)
	}
	return err
}
