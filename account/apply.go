package account

import (
	"cmp"
	"context"
	"errors"
)

// Using is a store that remembers which tokens were used, also those that change no password. The
// stores of this repository are, and every [Beside].
type Using interface {
	Store
	// Begin and Finish are those of [HostLedger].
	Begin(ctx context.Context, c Change) (t TokenRecord, applied bool, err error)
	Finish(ctx context.Context, c Change, a Account) error
}

// Apply does something else than a change of the password for the holder of a token. The scope of
// the change is not [OfPassword]. It returns the account's ID. As with ChangePassword of [Store],
// the token's record decides, and the same submission again succeeds.
//
// The ledger notes the submission, then do is called, then the ledger notes that it was applied. A
// crash between two of them leads to another call of do, with the same submission. So do must be
// idempotent. After the end of a run none of its submissions begins. One that is on its way to do
// may still take effect.
//
// Errors: ErrTokenUnknown as with ChangePassword. ErrRefused when the account is gone, is disabled
// or has another address since the mail, or when do refuses ([Veto]); an audit entry
// (EventChangeRefused) has the reason. Each other error of do is returned, and the call may be repeated.
func Apply(ctx context.Context, s Using, c Change, do func(context.Context, Account) error) (accountID string, err error) {
	return use(ctx, s, c, func(t TokenRecord) (Account, error) {
		a, err := t.unchanged(ctx, s, c)
		if err == nil {
			err = do(ctx, a)
		}
		return a, err
	})
}

// use notes a submission, does something for the holder of its token, and notes that it was applied.
// An audit entry says why it was refused.
func use(ctx context.Context, s Using, c Change, do func(TokenRecord) (Account, error)) (accountID string, err error) {
	t, applied, err := s.Begin(ctx, c)
	if applied || err != nil {
		return t.AccountID, err
	}
	a, err := do(t)
	if errors.Is(err, ErrRefused) {
		return "", cmp.Or(s.Record(ctx, c.Entry(t.AccountID, EventChangeRefused, err.Error())), err)
	}
	if err == nil {
		err = s.Finish(ctx, c, a)
	}
	if err != nil {
		return "", err
	}
	return a.ID, nil
}

// unchanged is the account of a token, if a submission may be applied to it now.
func (t TokenRecord) unchanged(ctx context.Context, s Store, c Change) (Account, error) {
	a, err := s.Account(ctx, t.AccountID)
	switch {
	case errors.Is(err, ErrNotFound):
		return a, ErrAccountGone
	case err != nil:
		return a, err
	case c.Record != t.Key:
		return a, ErrTokenUnknown // the caller repeats what began, and nothing is known to be applied
	case a.Disabled:
		return a, ErrNotResettable
	case !SameAddress(a.Address, t.Address):
		return a, ErrAddressChanged
	}
	return a, nil
}
