package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/statemachine"
)

// ChangePassword applies an accepted submission: in one transaction, once, to the account of the
// token's record. It does not check the link's expiry again, because the submission was accepted
// in time.
//
// An error means a retry. So does a submission sealed to a key which this worker lacks: another
// worker, or a later start of this one, has it.
func (a *Activities) ChangePassword(ctx context.Context, c flow.Change) (flow.Verdict, error) {
	if err := checkSender(ctx, c.Sender, c.Run); err != nil {
		return flow.Verdict{}, err
	}
	defer heartbeat(ctx)()
	v, err := a.apply(ctx, c)
	v.Run, v.Submission, v.Tells = c.Run, c.Submission.ID, a.Receiver != nil
	a.countChange(v, err)
	if what, _ := a.waitsFor(ctx, err); what != "" && c.Waits {
		return flow.Verdict{Run: c.Run, Waits: what}, nil
	}
	return v, withType(ctx, err)
}

func (a *Activities) apply(ctx context.Context, c flow.Change) (flow.Verdict, error) {
	f, err := a.flow(c.Flow)
	if err != nil {
		return flow.Verdict{}, err
	}
	workflowID := activity.GetInfo(ctx).WorkflowExecution.ID
	s, err := a.Submissions.Open(c.Submission.Sealed, c.Submission.SealContext(workflowID))
	if errors.Is(err, keys.ErrForeign) || err == nil && (s.ID() != c.Submission.ID || (s.Hash == "") != (f.Apply != nil)) {
		return flow.Verdict{Event: statemachine.TokenUnknown}, nil
	}
	if err != nil {
		return flow.Verdict{}, err
	}
	now := a.Now().UTC()
	change := account.Change{
		Record: link.Digest(s.Digest).RecordKey(), Submission: c.Submission.ID, Scope: f.Scope,
		Run: c.Run, Client: s.Client, Hash: s.Hash, Upgrade: a.Upgrade.reads(s.Hash), At: now, Locale: c.Locale,
	}
	late := now.Sub(s.Accepted) > flow.ApplyWithin
	if late {
		change.Record = account.RecordKey{} // of no record: only an earlier application still counts
	}
	owner, err := a.change(ctx, f, change)
	a.countRefusal(err)
	if late && errors.Is(err, account.ErrTokenUnknown) {
		return a.tooLate(ctx, change)
	}
	v, err := verdict(owner, now, err)
	if v.Event == statemachine.PasswordChanged && f.Apply != nil {
		v.Event = statemachine.Applied
	}
	return v, err
}

// change changes the password, or does the application's part of a flow without one.
func (a *Activities) change(ctx context.Context, f Flow, c account.Change) (owner string, err error) {
	if f.Apply == nil {
		return a.Store.ChangePassword(ctx, c)
	}
	store, ok := a.Store.(account.Using)
	if !ok {
		return "", errNotUsing
	}
	return account.Apply(ctx, store, c, func(ctx context.Context, owner account.Account) error {
		err := f.Apply(ctx, owner, c)
		if err != nil && !errors.Is(err, account.ErrRefused) {
			err = &untold{StoreFault{err}} // the application is away, and the change waits for it
		}
		return err
	})
}

var errNotUsing = errors.New("the store remembers no use of a token that changes no password: see account.Using")

// verdict turns the store's answer into the event of the run. Errors that are no decision of the
// store stay errors.
func verdict(owner string, now time.Time, err error) (flow.Verdict, error) {
	switch {
	case err == nil:
		return flow.Verdict{Event: statemachine.PasswordChanged, Account: owner, Changed: now}, nil
	case errors.Is(err, account.ErrTokenUnknown):
		return flow.Verdict{Event: statemachine.TokenUnknown}, nil
	case errors.Is(err, account.ErrRefused):
		return flow.Verdict{Event: statemachine.ChangeRefused, Reason: err.Error()}, nil
	default:
		return flow.Verdict{}, err
	}
}

func (a *Activities) tooLate(ctx context.Context, c account.Change) (flow.Verdict, error) {
	const why = "the submission is older than a day"
	err := a.Store.Record(ctx, account.Entry{
		At: c.At, Event: account.EventChangeRefused, Run: c.Run, Client: c.Client, Detail: why,
	})
	return flow.Verdict{Event: statemachine.ChangeRefused, Reason: why}, err
}
