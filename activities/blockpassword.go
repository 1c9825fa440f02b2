package activities

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/statemachine"
)

// BlockPassword makes the password of an account stop working, and ends its sessions. It executes an
// order once, and none that is older than a day: anybody with access to the namespace can repeat a
// sealed order, and the owner may have a new password since.
//
// An error means a retry.
func (a *Activities) BlockPassword(ctx context.Context, q flow.Question) (flow.Decision, error) {
	if err := checkSender(ctx, q.Sender, q.Run); err != nil {
		return flow.Decision{}, err
	}
	defer heartbeat(ctx)()
	d, err := a.block(ctx, q)
	d.Run = q.Run
	return d, withType(ctx, err)
}

func (a *Activities) block(ctx context.Context, q flow.Question) (flow.Decision, error) {
	owner, why, err := a.owner(ctx, q.Address, blockable)
	if err != nil {
		return flow.Decision{}, err
	}
	if why != "" {
		return a.refuseBlock(ctx, q, owner, string(why))
	}
	refused, err := a.execute(ctx, q, owner, orderPrefix+q.Order)
	switch {
	case err != nil:
		return flow.Decision{}, err
	case refused != "":
		return a.refuseBlock(ctx, q, owner, refused)
	}
	return flow.Decision{Event: statemachine.PasswordBlocked}, a.blockClosed(ctx, q, owner)
}

// blockClosed blocks the closed accounts behind an open one of the same address: each may be opened
// again.
func (a *Activities) blockClosed(ctx context.Context, q flow.Question, owner account.Account) error {
	found, err := a.Store.Find(ctx, q.Address)
	if err != nil {
		return err
	}
	for _, closed := range found {
		if closed.ID == owner.ID || !closed.Disabled || !account.SameAddress(closed.Address, q.Address) || blockable(closed) != "" {
			continue
		}
		refused, err := a.execute(ctx, q, closed, orderPrefix+q.Order+"/"+closed.ID)
		if err == nil && refused != "" {
			_, err = a.refuseBlock(ctx, q, closed, refused)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// orderPrefix keeps the names of orders apart from those of submissions, which the store remembers too.
const orderPrefix = "order/"

// execute blocks the password of an account, unless the order was executed. It says why it refuses.
func (a *Activities) execute(ctx context.Context, q flow.Question, owner account.Account, order string) (refused string, err error) {
	blocked, err := password.Unusable(owner.Credential, order)
	if errors.Is(err, password.ErrUnsupported) {
		return string(flow.HashUnsupported), nil
	} else if err != nil {
		return "", err
	}
	_, err = a.Store.Notice(ctx, order, order)
	switch {
	case err == nil && owner.Credential == blocked:
		return "", nil
	case err == nil: // a copy of the order, or its run that was reset
		return "the order was executed, and the account has another password since", nil
	case !errors.Is(err, account.ErrNotFound):
		return "", err
	case q.Order == "" || a.Now().Sub(q.At) > flow.ApplyWithin:
		return "the order is older than a day", nil
	}
	err = a.Store.Block(ctx, account.Block{
		AccountID: owner.ID, Run: q.Run, Operator: q.Operator, Reason: q.Note, At: a.Now().UTC(), Order: order,
		Hash: func(stored string) (string, error) {
			hash, err := password.Unusable(stored, order)
			if err != nil {
				err = fmt.Errorf("%w: %w", account.ErrRefused, err)
			}
			return hash, err
		},
	})
	switch {
	case errors.Is(err, password.ErrUnsupported):
		return string(flow.HashUnsupported), nil
	case errors.Is(err, account.ErrRefused):
		return err.Error(), nil
	default:
		return "", err
	}
}

// blockable is why the password of an account is not blocked. A closed account may be opened again,
// so its password is.
func blockable(a account.Account) flow.Reason {
	a.Disabled = false
	return allowing(account.ScopePasswordReset)(a)
}

// refuseBlock notes for operators that a password goes on working.
func (a *Activities) refuseBlock(ctx context.Context, q flow.Question, owner account.Account, why string) (flow.Decision, error) {
	d := flow.Decision{Event: statemachine.ChangeRefused, Reason: why}
	if a.Receiver != nil && owner.ID != "" {
		d.Tells, d.Account = true, owner.ID
	}
	return d, a.Store.Record(ctx, account.Entry{
		At: a.Now().UTC(), Event: account.EventChangeRefused, Run: q.Run, AccountID: owner.ID, Operator: q.Operator, Detail: why,
	})
}
