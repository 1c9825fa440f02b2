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
// texts and audit entries hold no address, token or hash.
type Store interface {
	// Find returns every account that has the address, which is normalized by
	// [ParseAddress]. None is no error. The caller compares the addresses again.
	Find(ctx context.Context, address string) ([]Account, error)

	// Account returns an account. Errors: ErrNotFound.
	Account(ctx context.Context, id string) (Account, error)

	// IssueToken records a token, counts its mail and writes the audit entry, in one
	// transaction. A mail is counted once however often it is tried (Token.Mail).
	// Errors: ErrMailLimit when the account has had limit other mails in the 24 hours
	// before Token.Issued; then nothing is recorded, and tokens that are out stay good.
	IssueToken(ctx context.Context, t Token, limit int) error

	// RevokeToken deletes the record of a token whose mail definitely did not go
	// out, and writes the audit entry. The mail stays counted. A record that is not
	// there is no error.
	RevokeToken(ctx context.Context, key [32]byte, at time.Time) error

	// ChangePassword applies a submission in one transaction: it finds the token's
	// record, which must be of the same run, takes the account from it, checks that
	// the account exists, may be reset and has the address and the credential of the
	// record (Token.Fits) and a hash of the form of the new one (Change.Fits), sets the new hash, deletes all token records of the account, ends its
	// sessions, writes the audit entry and remembers the submission. It returns the
	// account's ID. Whether the token has expired is not its business.
	//
	// The same submission again, also at the same time, succeeds and changes nothing;
	// it is known by its ID and run alone. Of different submissions to one account's
	// tokens, one succeeds.
	//
	// Errors: ErrTokenUnknown when there is no such record or the submission was
	// another run's; or one that is ErrRefused, after which the account is as it was,
	// the record still there and an audit entry written, on each call.
	ChangePassword(ctx context.Context, c Change) (accountID string, err error)

	// Record writes an entry of the audit log.
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
