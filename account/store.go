package account

import (
	"context"
	"time"
)

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
	// transaction, as [Token.Judge] says. A mail (Token.Mail) is counted once for each
	// copy that may have arrived, however often it is tried: the records of its other
	// tokens that were not revoked are those copies.
	// Errors: ErrMailLimit when the account's other mails leave no room at Token.Issued
	// ([RoomForMail]), ErrTooManyCopies when MailCopies of the mail may have arrived;
	// then nothing is recorded, and tokens that are out stay good. Issued is right with
	// these errors too.
	IssueToken(ctx context.Context, t Token, limit int) (Issued, error)

	// RevokeToken deletes the record of a token whose mail definitely did not go
	// out, and writes the audit entry. The mail stays counted. A record that is not
	// there is no error.
	RevokeToken(ctx context.Context, key [32]byte, at time.Time) error

	// ChangePassword applies a submission in one transaction: it finds the token's
	// record, which must be of the same run, takes the account from it, checks that
	// the account exists, may be reset and has the address and the credential of the
	// record, sets the new hash, deletes all token records of the account, ends its
	// sessions, writes the audit entry and remembers the submission together with the
	// notice that is owed for it ([NewDebt] of the account as it is then). It returns the
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

	// Notice returns what is owed for a submission that a run has applied; of an empty
	// submission, for the newest of the run. What was remembered before there were
	// notices in the store is owed to the account as it is at the first call, and to
	// nobody when that is gone.
	// Errors: ErrNotFound when the run has applied no such submission, or it was swept.
	Notice(ctx context.Context, run, submission string) (Notice, error)

	// Tell notes what became of a mail of a notice, or of the notice itself, as [Debt.After]
	// says, and returns the notice as it is then. TellGivenUp of a notice that is not
	// settled writes the audit entry [Notice.GivenUp]. One transaction; what runs beside
	// it is not lost. Errors: ErrNotFound.
	Tell(ctx context.Context, submission string, what Telling, address string, at time.Time) (Notice, error)

	// Owed returns notices of changes from before a time that are not settled, at most so
	// many, in an order that is another one each time.
	Owed(ctx context.Context, before time.Time, most int) ([]Notice, error)

	// End makes a run over, in one transaction: it deletes the token records of the run,
	// with one audit entry (EventResetEnded) for each account that had any, and returns
	// the notice of the newest submission that was applied for it. No submission to a link
	// from before is applied afterwards. Errors: ErrNotFound when none was applied; the
	// run is over then too.
	End(ctx context.Context, run string, at time.Time) (Notice, error)

	// Record writes an entry of the audit log.
	Record(ctx context.Context, e Entry) error

	// Sweep deletes what nobody needs any more: records of tokens that expired before
	// a time, and mail counts and remembered submissions from before it, except those
	// with a notice that is not settled. It returns how many it deleted. The time must be
	// days ago: mails count as long as the bucket of their account has not run empty, and
	// a submission may be repeated as long as its run is open.
	Sweep(ctx context.Context, before time.Time) (int, error)

	// SweepAudit deletes the lines of the audit log that are older than keep, which is more than
	// zero, and returns how many. It does so in transactions of a bounded size, so that the first
	// sweep of a long log keeps nobody waiting; when it fails, some may be gone. A store with a
	// clock of its own goes by the earlier of that and now.
	SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (int, error)

	// Close releases the store. No other method may be called after it.
	Close() error
}
