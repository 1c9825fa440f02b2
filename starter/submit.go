package starter

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/statemachine"
)

// Submit implements [Resets]. The order of its checks is the order of their cost. A forged or old
// link and a password that breaks the policy are refused before any call. Only a link whose run
// waits for it, or has accepted a submission, is worth a hash.
//
// The same link with the same password always makes the same submission. So a retry after a lost
// answer, or a double click, succeeds, also when the link has expired since. Another password on a
// used link is ErrLinkUsed.
func (c *Client) Submit(ctx context.Context, token, newPassword string) error {
	l, err := c.open(c.purposes.Use, token)
	if err != nil {
		return err
	}
	if l.expired {
		return c.submitExpired(ctx, l, newPassword)
	}
	if err := l.policy.Check(newPassword); err != nil {
		return err
	}
	wait, err := c.pendingWait(ctx, l)
	if err != nil {
		return err
	}
	if wait == "" {
		return c.submitLate(ctx, l, newPassword)
	}
	if err := c.mayTry(l); err != nil {
		return err
	}
	if err := c.breached(ctx, l.policy.Normalize(newPassword)); err != nil {
		return err
	}
	submission, err := c.seal(ctx, l, newPassword)
	if err != nil {
		return err
	}
	return c.deliver(ctx, l, wait, submission)
}

// breached checks whether the password is known from a data breach. It runs only where the
// password can be set, so no request without a live link makes a starter call others. It is
// outside the hashing budget, where a slow answer would block all callers.
func (c *Client) breached(ctx context.Context, newPassword string) error {
	if c.cfg.Breached == nil {
		return nil
	}
	err := c.cfg.Breached(ctx, newPassword)
	if _, refused := errors.AsType[*password.Refusal](err); refused {
		return err
	}
	return c.fault(err)
}

// deliver hands the submission to the run and reads the result. Temporal accepts the first
// completion of a wait and refuses all others. NotFound may answer a retry whose first answer was
// lost, so only the decision counts. Temporal may go away before it. The answer is then never
// "nothing was accepted" for a submission that Temporal may have: another password would find the
// link used.
func (c *Client) deliver(ctx context.Context, l *openLink, wait string, s flow.Submission) error {
	completed := c.complete(ctx, l, wait, s)
	if completed != nil && !notFound(completed) && !unanswered(completed) {
		return c.fault(completed)
	}
	failpoint.Hit(failpoint.AfterCompletion)
	decided, err := c.decision(ctx, l)
	switch {
	case err == nil:
		return answer(decided, s.ID)
	case errors.Is(err, ErrUnavailable):
		return unknown(completed)
	case errors.Is(err, errUndecided):
		return c.undecided(ctx, l, s.ID, completed)
	default:
		return err
	}
}

// unknown answers for a submission of which nothing more can be read. Temporal has accepted it, or
// may have, unless its answer was NotFound. Then another one was accepted as far as is known, or
// the run is over.
func unknown(completed error) error {
	if notFound(completed) {
		return ErrUnavailable
	}
	return ErrPending
}

func (c *Client) complete(ctx context.Context, l *openLink, wait string, s flow.Submission) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	return c.temporal.CompleteActivityByID(ctx, c.namespace, l.workflowID, l.claims.RunID, wait, s, nil)
}

// submitExpired answers for a link that has ended. The link accepts no submission any more, and a
// retry of an earlier one gets its result. The bound lateAttempts is needed because the answer of
// a used link reveals whether a password is the one that was set.
func (c *Client) submitExpired(ctx context.Context, l *openLink, newPassword string) error {
	if l.policy.Check(newPassword) != nil {
		return ErrLinkExpired
	}
	wait, err := c.pendingWait(ctx, l)
	if err != nil {
		return err
	}
	if wait != "" {
		return ErrLinkExpired
	}
	return c.submitLate(ctx, l, newPassword)
}

// submitLate answers for a link whose run has no wait. It hashes only if the run accepted a
// submission and did not refuse it, to compare the two.
func (c *Client) submitLate(ctx context.Context, l *openLink, newPassword string) error {
	decided, err := c.decision(ctx, l)
	if errors.Is(err, errUndecided) {
		return c.lateAndUndecided(ctx, l, newPassword)
	}
	if err != nil {
		return err
	}
	if decided.Accepted == "" || decided.State == statemachine.StateRefused {
		return answer(decided, "")
	}
	submission, err := c.submissionID(ctx, l, newPassword)
	if err != nil {
		return err
	}
	return answer(decided, submission)
}

// lateAndUndecided says "accepted" only of the submission that the run has accepted. No other one
// is sent from here, and the result of the link is not known yet.
func (c *Client) lateAndUndecided(ctx context.Context, l *openLink, newPassword string) error {
	accepted, err := c.accepted(ctx, l)
	if err != nil {
		return err
	}
	if accepted == "" {
		return ErrUnavailable
	}
	submission, err := c.submissionID(ctx, l, newPassword)
	if err == nil && submission == accepted {
		return ErrPending
	}
	return cmp.Or(err, ErrUnavailable)
}

// submissionID is the ID that a password has as a submission of the link, "" for one that is never
// accepted.
func (c *Client) submissionID(ctx context.Context, l *openLink, newPassword string) (string, error) {
	if err := c.mayTry(l); err != nil {
		return "", err
	}
	s, err := c.submission(ctx, l, newPassword)
	if _, weak := errors.AsType[*password.Refusal](err); weak {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return s.ID(), nil
}

// mayTry counts a password that is tried on a link.
func (c *Client) mayTry(l *openLink) error {
	tried, refusal := c.attempts, ErrBusy
	if l.expired {
		tried, refusal = c.lateAttempts, ErrLinkExpired
	}
	if !tried.another(l.token.Digest(), c.cfg.Now()) {
		return refusal
	}
	return nil
}

// undecided answers for a submission that no worker decided in time. A history with another one,
// or none, shows that it was not accepted. An unreadable history shows nothing.
func (c *Client) undecided(ctx context.Context, l *openLink, submission string, completed error) error {
	accepted, err := c.accepted(ctx, l)
	switch {
	case errors.Is(err, ErrUnavailable):
		return unknown(completed)
	case err != nil:
		return err
	case accepted != submission:
		return ErrUnavailable
	default:
		return ErrPending
	}
}

// answer compares the accepted submission of the run with this one.
func answer(decided flow.Outcome, submission string) error {
	mine := decided.Accepted != "" && decided.Accepted == submission
	switch decided.State {
	case statemachine.StatePasswordChanged, statemachine.StateCompleted:
		if mine {
			return nil
		}
		return ErrLinkUsed
	case statemachine.StateRefused: // for every caller: no password was set
		return ErrChangeRefused
	case statemachine.StateCanceled:
		if decided.Ended {
			return ErrLinkEnded
		}
		return ErrLinkCanceled
	case statemachine.StateExpired:
		return ErrLinkExpired
	case statemachine.StateRequested, statemachine.StatePasswordBlocked, statemachine.StateAwaitingToken,
		statemachine.StateTokenSubmitted: // no outcome
	}
	return ErrUnavailable
}

// seal makes the submission that only a worker can open.
func (c *Client) seal(ctx context.Context, l *openLink, newPassword string) (flow.Submission, error) {
	s, err := c.submission(ctx, l, newPassword)
	if err != nil {
		return flow.Submission{}, err
	}
	return c.sealFor(l, s)
}

func (c *Client) sealFor(l *openLink, s keys.NewPassword) (sealed flow.Submission, err error) {
	sealed = flow.Submission{ID: s.ID(), LinkRun: l.claims.RunID}
	sealed.Sealed, err = c.sealer.Seal(s, sealed.SealContext(l.workflowID))
	return sealed, err
}

// submission judges and hashes the password within the hashing budget.
func (c *Client) submission(ctx context.Context, l *openLink, newPassword string) (keys.NewPassword, error) {
	s := keys.NewPassword{Digest: l.token.Digest(), Accepted: c.cfg.Now().UTC(), Client: clientAddr(ctx)}
	asked := time.Now()
	err := c.cfg.Budget.Do(ctx, func() error {
		c.metrics().Timer("rekey_hash_wait").Record(time.Since(asked))
		if err := l.policy.Strength(newPassword, l.claims.Address, c.cfg.Product); err != nil {
			return err
		}
		s.Hash = l.hashing.Hash(l.policy.Normalize(newPassword), c.salts.Salt(s.Digest))
		return nil
	})
	if errors.Is(err, password.ErrBusy) {
		return s, ErrBusy
	}
	return s, err
}
