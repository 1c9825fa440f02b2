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
	if q.Order == "" || a.Now().Sub(q.At) > flow.ApplyWithin {
		return refusedBlock("the order is older than a day"), nil
	}
	owner, why, err := a.owner(ctx, q.Address, blockable)
	if err != nil {
		return flow.Decision{}, err
	}
	if why != "" {
		return a.refuseBlock(ctx, q, owner, string(why))
	}
	_, err = a.Store.Notice(ctx, q.Order, q.Order)
	if errors.Is(err, account.ErrNotFound) {
		err = a.Store.Block(ctx, account.Block{
			AccountID: owner.ID, Run: q.Run, Operator: q.Operator, Reason: q.Note, At: a.Now().UTC(), Order: q.Order,
			Hash: func(stored string) (string, error) {
				hash, err := password.Unusable(stored, q.Order)
				if err != nil {
					err = fmt.Errorf("%w: %w", account.ErrRefused, err)
				}
				return hash, err
			},
		})
	}
	switch {
	case err == nil:
		return flow.Decision{Event: statemachine.PasswordBlocked}, nil
	case errors.Is(err, password.ErrUnsupported):
		return a.refuseBlock(ctx, q, owner, string(flow.HashUnsupported))
	case errors.Is(err, account.ErrRefused):
		return a.refuseBlock(ctx, q, owner, err.Error())
	default:
		return flow.Decision{}, err
	}
}

// blockable is why the password of an account is not blocked. A closed account may be opened again,
// so its password is.
func blockable(a account.Account) flow.Reason {
	a.Disabled = false
	return allowing(account.ScopePasswordReset)(a)
}

func refusedBlock(why string) flow.Decision {
	return flow.Decision{Event: statemachine.ChangeRefused, Reason: why}
}

// refuseBlock notes for operators that a password goes on working.
func (a *Activities) refuseBlock(ctx context.Context, q flow.Question, owner account.Account, why string) (flow.Decision, error) {
	return refusedBlock(why), a.Store.Record(ctx, account.Entry{
		At: a.Now().UTC(), Event: account.EventChangeRefused, Run: q.Run, AccountID: owner.ID, Operator: q.Operator, Detail: why,
	})
}
