package account

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"
)

// HostLedger is a [Ledger] for the accounts of a [Host]. The host changes a password before the
// ledger can note it, and a crash may come between the two. So the ledger notes the submission
// before, and completes it later.
type HostLedger interface {
	Ledger
	Archive

	// Begin returns the record of the token of a submission, and notes the submission, with the
	// digest of its hash. Later it returns that record, even if the ledger has deleted the token
	// since. Applied reports that [HostLedger.Finish] noted the submission; then the record has
	// the account's ID and nothing else. Errors: ErrTokenUnknown, as with ChangePassword of
	// [Store].
	Begin(ctx context.Context, c Change) (t TokenRecord, applied bool, err error)

	// Finish notes in one transaction that a submission was applied to an account. It deletes
	// all token records of the account, writes the audit entry (EventPasswordChanged, at
	// Change.At), and remembers the submission and the notice owed for it ([NewDebt]). The
	// submission need not have begun. The same submission again changes nothing.
	Finish(ctx context.Context, c Change, a Account) error

	// Begun returns submissions of a run that began and were not applied. End of that run
	// deletes them.
	Begun(ctx context.Context, run string) ([]Begun, error)
}

// Begun is a submission that a [Host] may have applied, which the ledger does not know.
type Begun struct {
	Token  TokenRecord
	Change Change   // without Hash
	Hash   [32]byte // CredentialDigest of the new hash
}

// Applied reports whether an account has the password of the submission.
func (b Begun) Applied(a Account) bool { return SameCredential(a.Credential, b.Hash[:]) }

// beside is a Store of two parts.
type beside struct {
	HostLedger
	host  Host
	seed  maphash.Seed
	locks [64]sync.Mutex
}

// Beside returns a [Store] of the accounts of a host and a ledger elsewhere. Its Close closes the
// ledger. It implements [Archive] too.
//
// A password changes in three steps: the ledger notes the submission, the host changes the
// account, the ledger notes the change. A crash between two of them is repaired by the
// repetition of ChangePassword, or by End. Until then the new password works, and the other
// links of the account are refused by the host, since its credential changed.
//
// One thing is weaker than with a store that has one transaction. If the owner changes the
// password once more between the crash and the repetition, the repetition is refused with
// ErrCredentialChanged, and the owner gets no notice of the first change.
func Beside(h Host, l HostLedger) Store {
	return &beside{HostLedger: l, host: h, seed: maphash.MakeSeed()}
}

// lock keeps a change and the end of its run apart within the process.
func (b *beside) lock(run string) (unlock func()) {
	l := &b.locks[maphash.String(b.seed, run)%uint64(len(b.locks))]
	l.Lock()
	return l.Unlock
}

// Find implements [Store].
func (b *beside) Find(ctx context.Context, address string) ([]Account, error) {
	return b.host.Find(ctx, address)
}

// Account implements [Store].
func (b *beside) Account(ctx context.Context, id string) (Account, error) {
	return b.host.Account(ctx, id)
}

// ChangePassword implements [Store].
func (b *beside) ChangePassword(ctx context.Context, c Change) (string, error) {
	defer b.lock(c.Run)()
	t, applied, err := b.Begin(ctx, c)
	if applied || err != nil {
		return t.AccountID, err
	}
	a, err := b.change(ctx, t, c)
	if errors.Is(err, ErrRefused) {
		return "", cmp.Or(b.Record(ctx, c.Entry(t.AccountID, EventChangeRefused, err.Error())), err)
	}
	if err == nil {
		err = b.Finish(ctx, c, a)
	}
	if err != nil {
		return "", err
	}
	return a.ID, nil
}

// change changes the account at the host, and returns the account of before. One that has the new
// credential was changed by an earlier call, so it may have any other state since.
func (b *beside) change(ctx context.Context, t TokenRecord, c Change) (Account, error) {
	a, err := b.host.Account(ctx, t.AccountID)
	if errors.Is(err, ErrNotFound) {
		return a, ErrAccountGone
	}
	if err == nil && a.Credential != c.Hash {
		err = cmp.Or(t.Fits(a), c.Fits(a))
	}
	if err != nil {
		return a, err
	}
	return a, b.host.Change(ctx, HostChange{AccountID: a.ID, Old: t.Credential, New: c.Hash, Submission: c.Submission})
}

// End implements [Store]. A submission whose password the account has was applied.
func (b *beside) End(ctx context.Context, run string, at time.Time) (Notice, error) {
	defer b.lock(run)()
	begun, err := b.Begun(ctx, run)
	if err != nil {
		return Notice{}, err
	}
	for _, s := range begun {
		a, err := b.host.Account(ctx, s.Token.AccountID)
		if err == nil && s.Applied(a) {
			err = b.Finish(ctx, s.Change, a)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Notice{}, err
		}
	}
	return b.HostLedger.End(ctx, run, at)
}

// Forget implements [Archive].
func (b *beside) Forget(ctx context.Context, accountID string, by Entry) (Forgotten, error) {
	switch _, err := b.host.Account(ctx, accountID); {
	case err == nil:
		return Forgotten{}, ErrAccountThere
	case !errors.Is(err, ErrNotFound):
		return Forgotten{}, err
	}
	return b.HostLedger.Forget(ctx, accountID, by)
}
