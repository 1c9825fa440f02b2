package account

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"
)

// EventPasswordBlocked is the line that [Store].Block leaves. The detail is the reason.
const EventPasswordBlocked Event = "password_blocked"

// Block ends the use of an account's password, as a forced reset does before it mails a link. The
// account keeps a hash of the same form that no password is known to have. So its owner can also
// ask for an ordinary reset.
type Block struct {
	AccountID string
	Run       string    // original run ID of the forced reset
	Operator  string    // who forces it, for the audit log
	Reason    string    // for the audit log; holds no address
	At        time.Time // when it is applied
	// Order names the demand, or is empty. The ledger remembers an executed order like a submission
	// without a notice, of a run of that name: [Ledger].Notice finds it until Sweep. Anybody with
	// access to Temporal can repeat a demand, and its caller asks before it blocks.
	Order string

	// Hash returns the hash that takes the place of a stored one. It depends on the run, and is its
	// own result when it is called with that. It is called in a transaction, so it must be fast.
	// See Unusable of package password.
	Hash func(stored string) (string, error)
}

// Instead returns the hash that takes the place of an account's credential. Errors:
// ErrNotResettable for an account without a password, or whose password may not be reset;
// ErrHashForm for a hash of another [Form]; those of Block.Hash. A disabled account is blocked too:
// it may be opened again.
func (b Block) Instead(a Account) (string, error) {
	if !a.Resettable || !a.HasPassword() {
		return "", ErrNotResettable
	}
	hash, err := b.Hash(a.Credential)
	switch {
	case err != nil:
		return "", err
	case Form(hash) != Form(a.Credential):
		return "", ErrHashForm
	}
	return hash, nil
}

// Remembered is the executed order as a ledger remembers it.
func (b Block) Remembered() Change {
	return Change{Submission: b.Order, Run: b.Order, Scope: "password:block", At: b.At}
}

// Entry is the line of the audit log.
func (b Block) Entry() Entry {
	return Entry{At: b.At, Event: EventPasswordBlocked, Run: b.Run, AccountID: b.AccountID, Operator: b.Operator, Detail: b.Reason}
}

// change is the change of a host that blocks a credential.
func (b Block) change(a Account, hash string) HostChange {
	name := sha256.Sum256([]byte("rekey block|" + b.Run + "|" + a.ID))
	return HostChange{AccountID: a.ID, Old: CredentialDigest(a.Credential), New: hash, Submission: hex.EncodeToString(name[:16])}
}

// blockAttempts is how often a block begins again after a change of the password by somebody else.
const blockAttempts = 5

// errKeepsChanging is a fault: a later call may find the account at rest.
var errKeepsChanging = errors.New("the password was changed during each attempt to block it")
