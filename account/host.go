package account

import (
	"context"
	"fmt"
)

// Host is an application that keeps its accounts and sessions itself, beside a ledger elsewhere.
// [Beside] makes a [Store] of the two. Every method may be called concurrently.
//
// An error that is none of this package's sentinels is a fault of the application. The call is
// repeated then. Error texts hold no address or hash. A call with an ended context does nothing
// and returns the context's error (errors.Is).
type Host interface {
	// Find is that of [Store]. Locale of an account may be any text, since [Beside] reads it.
	Find(ctx context.Context, address string) ([]Account, error)

	// Account is that of [Store].
	Account(ctx context.Context, id string) (Account, error)

	// Change replaces the credential of an account, if it is still the old one, and ends the
	// account's sessions for good. That includes later sessions of a sign-in that verified the
	// old password. It is one transaction, or one that a repetition completes.
	//
	// The new credential may be there already, because the answer to an earlier call was lost.
	// Then Change ends the sessions and succeeds. A repetition needs no other memory, since the
	// same submission has the same hash. Old may also be the digest of the new credential, when a
	// block is repeated.
	//
	// An error that is ErrRefused is final, and the account is unchanged: ErrAccountGone,
	// ErrCredentialChanged for a third credential, ErrNeverTaken, or a [Veto].
	Change(ctx context.Context, c HostChange) error
}

// HostChange is a change of a password at a [Host].
type HostChange struct {
	AccountID  string
	Old        [32]byte // CredentialDigest of the credential that it replaces
	New        string   // the new stored password hash
	Submission string   // names the change; the same for its repetitions
	// Verified is that the owner proved that the address of the account is theirs, by a link to
	// it. Hosts that keep this mark the address as verified, in the transaction of the change;
	// others ignore it. It is set for first passwords.
	Verified bool
}

// From returns the error of a change of an account that has this credential. It is nil when the
// new credential may be written, also once more. Errors: ErrCredentialChanged.
func (c HostChange) From(credential string) error {
	if credential != c.New && !SameCredential(credential, c.Old[:]) {
		return ErrCredentialChanged
	}
	return nil
}

// ErrVeto refuses: the application has a reason of its own, see [Veto].
var ErrVeto = fmt.Errorf("%w: the application does not allow it", ErrRefused)

// maxReason is how much of an application's reason is kept, in characters.
const maxReason = 200

// Veto is the error of a [Host] that refuses a change for a reason of its own, such as an
// account under investigation. Operators see the reason in the audit log, so it must hold no
// address. The owner is told that the change was refused. It is ErrVeto.
func Veto(reason string) error { return fmt.Errorf("%w: %.*q", ErrVeto, maxReason, reason) }
