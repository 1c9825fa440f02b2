package account

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"time"
)

// HostLedger is a [Ledger] for the accounts of a [Host]. The host changes a password before the
// ledger can note it, and a crash may come between the two. So the ledger notes the submission
// before, and completes it later.
type HostLedger interface {
	Ledger
	Archive

	// Begin returns the record of the token of a submission, and notes the submission, with the
	// digest of its hash and Change.At, which each further attempt replaces. Later it returns that
	// record, also with another Change.Record or none, and even if the ledger has deleted the token
	// since. After the end of the run it returns ErrTokenUnknown. Applied reports that
	// [HostLedger.Finish] noted the submission; then the record has the account's ID and nothing
	// else. Errors: ErrTokenUnknown, as with ChangePassword of [Store].
	Begin(ctx context.Context, c Change) (t TokenRecord, applied bool, err error)

	// Finish notes in one transaction that a submission was applied to an account. It deletes
	// all token records of the account, writes the audit entry ([Change.Applied]), and remembers the submission and the notice owed for it ([NewDebt]). The
	// submission need not have begun. The same submission again changes nothing.
	//
	// Of a scope that is not [OfPassword] it deletes the token records of that scope only.
	Finish(ctx context.Context, c Change, a Account) error

	// Blocked notes in one transaction that the password of an account was blocked with a hash. It
	// deletes the token records of the account, but those of that hash, writes the audit entry
	// ([Block.Entry]), and remembers the order. The same block again does the same.
	Blocked(ctx context.Context, b Block, hash string) error

	// Begun returns submissions that began and were not noted as applied, those of a run or with
	// an empty run all. They stay after the end of their run, until Sweep.
	Begun(ctx context.Context, run string) ([]Begun, error)
}

// Begun is a submission that a [Host] may have applied, which the ledger does not know.
type Begun struct {
	Token  TokenRecord
	Change Change   // without Hash
	Hash   [32]byte // CredentialDigest of the new hash
	Ended  bool     // that the run has ended
}

// NewBegun is what a ledger keeps of a submission to a token: never its hash.
func NewBegun(t TokenRecord, c Change) Begun {
	b := Begun{Token: t, Change: c, Hash: CredentialDigest(c.Hash)}
	b.Change.Hash = ""
	return b
}

// Applied reports whether an account has the password of the submission.
func (b Begun) Applied(a Account) bool { return SameCredential(a.Credential, b.Hash[:]) }

// notified is the account of before a change that the host made, whose owner may have another
// address since. Both get the notice.
func (t TokenRecord) notified(a Account) Account {
	if !SameAddress(a.Address, t.Address) {
		a.Notify = append(slices.Clone(a.Notify), a.Address)
		a.Address = t.Address
	}
	return a
}

// beside is a Store of two parts.
type beside struct {
	HostLedger
	host  Host
	seed  maphash.Seed
	locks [64]chan struct{}
}

// Beside returns a [Store] of the accounts of a host and a ledger elsewhere. Its Close closes the
// ledger. It implements [Archive] too.
//
// A password changes in three steps: the ledger notes the submission, the host changes the
// account, the ledger notes the change. A crash between two of them is repaired by the
// repetition of ChangePassword, by End, or by Owed, which workers call all the time. Until then
// the new password works, and the host refuses the other links of the account, since its
// credential changed.
//
// Some things are weaker than with a store that has one transaction. The owner may change the
// password once more between the crash and the repair, and then gets no notice of the first change.
// A request that is on its way to the host may change the password after the end of its run; Owed
// finds that. Address and state of the account are compared just before the change, and not in its
// transaction.
func Beside(h Host, l HostLedger) Store {
	b := &beside{HostLedger: l, host: h, seed: maphash.MakeSeed()}
	for i := range b.locks {
		b.locks[i] = make(chan struct{}, 1)
	}
	if c, ok := l.(clocked); ok {
		return timed{b, c}
	}
	return b
}

// clocked is a ledger with a clock of its own.
type clocked interface {
	Now(ctx context.Context) (time.Time, error)
}

// TryHashes is that of the host, if it has one.
func (b *beside) TryHashes(ctx context.Context, like func(stored string) string) (doubts []string, err error) {
	host, ok := b.host.(interface {
		TryHashes(ctx context.Context, like func(stored string) string) ([]string, error)
	})
	if !ok {
		return nil, nil
	}
	return host.TryHashes(ctx, like)
}

type timed struct {
	*beside
	clocked
}

// lock keeps a change and the end of its run apart within the process.
func (b *beside) lock(ctx context.Context, run string) (unlock func(), err error) {
	l := b.locks[maphash.String(b.seed, run)%uint64(len(b.locks))]
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Find implements [Store].
func (b *beside) Find(ctx context.Context, address string) ([]Account, error) {
	found, err := b.host.Find(ctx, address)
	found = slices.Clone(found)
	for i := range found {
		found[i].Locale = ParseLocale(found[i].Locale)
	}
	return found, err
}

// Account implements [Store].
func (b *beside) Account(ctx context.Context, id string) (Account, error) {
	a, err := b.host.Account(ctx, id)
	a.Locale = ParseLocale(a.Locale)
	return a, err
}

// ChangePassword implements [Store].
func (b *beside) ChangePassword(ctx context.Context, c Change) (string, error) {
	if !OfPassword(c.Wants()) {
		return "", ErrTokenUnknown
	}
	unlock, err := b.lock(ctx, c.Run)
	if err != nil {
		return "", err
	}
	defer unlock()
	return use(ctx, b, c, func(t TokenRecord) (Account, error) { return b.change(ctx, t, c) })
}

// change changes the account at the host, and returns the account to notify. One that has the new
// credential was changed by an earlier call, so it may have any other state since.
func (b *beside) change(ctx context.Context, t TokenRecord, c Change) (Account, error) {
	a, err := b.Account(ctx, t.AccountID)
	verified := c.First() && SameAddress(a.Address, t.Address) // and not the address of after a lost change
	switch {
	case errors.Is(err, ErrNotFound):
		err = ErrAccountGone
	case err != nil:
	case a.Credential == c.Hash:
		a = t.notified(a)
	case c.Record != t.Key:
		err = ErrTokenUnknown // the caller repeats what began, and nothing did
	default:
		err = cmp.Or(t.Fits(a), c.Fits(a))
	}
	if err != nil {
		return a, err
	}
	return a, b.host.Change(ctx, HostChange{
		AccountID: a.ID, Old: t.Credential, New: c.Hash, Submission: c.Submission, Verified: verified,
	})
}

// settle notes submissions whose password the host has. Their worker died, or gave up waiting.
func (b *beside) settle(ctx context.Context, begun []Begun) (err error) {
	for _, s := range begun {
		if !OfPassword(s.Token.Scope) {
			continue // no account shows that it was applied
		}
		a, readErr := b.Account(ctx, s.Token.AccountID)
		switch {
		case errors.Is(readErr, ErrNotFound):
		case readErr != nil:
			err = errors.Join(err, readErr)
		case s.Applied(a):
			err = errors.Join(err, b.Finish(ctx, s.Change, s.Token.notified(a)))
		}
	}
	return err
}

// End implements [Store].
func (b *beside) End(ctx context.Context, run string, at time.Time) (Notice, error) {
	unlock, err := b.lock(ctx, run)
	if err != nil {
		return Notice{}, err
	}
	defer unlock()
	begun, err := b.Begun(ctx, run)
	if err == nil {
		err = b.settle(ctx, begun)
	}
	if err != nil {
		return Notice{}, err
	}
	return b.HostLedger.End(ctx, run, at)
}

// Owed implements [Store]. It looks for changes of before that time which the ledger does not know.
func (b *beside) Owed(ctx context.Context, before time.Time, most int) ([]Notice, error) {
	begun, err := b.Begun(ctx, "")
	begun = slices.DeleteFunc(begun, func(s Begun) bool { return !s.Change.At.Before(before) })
	if err == nil {
		err = b.settle(ctx, begun)
	}
	owed, owedErr := b.HostLedger.Owed(ctx, before, most)
	return owed, errors.Join(err, owedErr)
}

// Check checks the parts that have such a method, as a worker's probe does.
func (b *beside) Check(ctx context.Context) error {
	for _, part := range []any{b.host, b.HostLedger} {
		if c, ok := part.(interface {
			Check(ctx context.Context) error
		}); ok {
			if err := c.Check(ctx); err != nil {
				return err
			}
		}
	}
	return nil
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
