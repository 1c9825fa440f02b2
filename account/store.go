package account

import (
	"context"
	"time"
)

// Kept is how long records outlive what they are needed for. A submission that was accepted
// in time is applied within a day, so this is plenty.
const Kept = 7 * 24 * time.Hour

// Store keeps accounts and what resets need of them. Every method may be called
// concurrently, also by several processes where the store allows that, and a method
// that returned nil has written durably.
//
// An error that is none of this package's sentinels is a fault of the store: nothing
// was changed, or it is not known whether it was, and the call may be repeated. Error
// texts and audit entries hold no address, token or hash. A call whose context is over
// already does nothing and returns an error that is the context's (errors.Is).
//
// Entries of the audit log have the time, the run, the client and the operator of the Token,
// Change or Entry that they are about, and the account's ID; they are kept in the order of
// writing, and a refusal's Detail is the text of its error.
type Store interface {
	// Find returns every account that has the address, which is normalized by
	// [ParseAddress], however its host spells it: all of them, closed ones too, with the
	// address as it is stored. A text that is no address is nobody's. None is no error.
	// The caller compares the addresses again.
	Find(ctx context.Context, address string) ([]Account, error)

	// Account returns an account. Errors: ErrNotFound.
	Account(ctx context.Context, id string) (Account, error)

	// IssueToken records a token, counts its mail and writes the audit entry, in one
	// transaction (EventMailIssued, at Token.Issued). A mail is counted once, at its first
	// attempt, however often it is tried (Token.Mail); each attempt has a token of its own,
	// and all of them stay good. Whether the account is there is not looked at. Errors:
	// ErrMailLimit when the account has had limit other mails in the 24 hours before
	// Token.Issued, to the fraction of a second; then nothing is recorded, and tokens that
	// are out stay good.
	IssueToken(ctx context.Context, t Token, limit int) error

	// RevokeToken deletes the record of a token whose mail definitely did not go
	// out, and writes the audit entry (EventMailRevoked, with the client and the operator
	// of the token). The mail stays counted. A record that is not there is no error, and
	// leaves no entry.
	RevokeToken(ctx context.Context, key [32]byte, at time.Time) error

	// ChangePassword applies a submission in one transaction: it finds the token's
	// record, which must be of the same run and of the scope [ScopePasswordReset], takes the
	// account from it, checks that the account exists, may be reset and has the address and
	// the credential of the record (Token.Fits) and a hash of the form of the new one
	// (Change.Fits), sets the new hash and nothing else of the account, deletes all token
	// records of the account, ends its sessions for good, also those that a sign-in which
	// verified the old password makes afterwards, writes the audit entry
	// (EventPasswordChanged, at Change.At) and remembers the submission. It returns the
	// account's ID. Whether the token has expired is not its business.
	//
	// The same submission again, also at the same time, succeeds, returns the same account
	// and changes nothing, whatever became of the account since; it is known by its ID and
	// run alone, also when Change.Token is another or none. Of different submissions to one
	// account's tokens, one succeeds.
	//
	// Errors, with which the ID is empty: ErrTokenUnknown when there is no such record or
	// the submission was another run's, which leaves no audit entry; or one that is
	// ErrRefused, after which the account is as it was, the record still there and an audit
	// entry written (EventChangeRefused), on each call. A store whose tables never take the
	// change says so with ErrNeverTaken, and does not leave it to be repeated.
	ChangePassword(ctx context.Context, c Change) (accountID string, err error)

	// Record writes an entry of the audit log, as it is: also of an event that this package
	// does not name, of an account that is not there and of none.
	Record(ctx context.Context, e Entry) error

	// Sweep deletes what nobody needs any more: records of tokens that expired before
	// a time, and mail counts and remembered submissions from before it. It returns
	// how many it deleted; audit entries stay. The time must be more than a day ago: mails
	// of the last 24 hours count, and a submission may be repeated as long as its run is
	// open. A store that several processes share does not trust the caller's clock: it
	// keeps what is newer than Kept by a clock of its own too.
	Sweep(ctx context.Context, before time.Time) (int, error)

	// Close releases the store. No other method may be called after it.
	Close() error
}
