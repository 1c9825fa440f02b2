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
	// transaction (EventMailIssued, at Token.Issued), as [Token.Judge] says. A mail
	// (Token.Mail) is counted once for each copy that may have arrived, at its first attempt
	// and however often it is tried: the records of its other tokens that were not revoked
	// are those copies, and all of them stay good. Whether the account is there is not looked
	// at. Errors: ErrMailLimit when the account's other mails leave no room at Token.Issued
	// ([RoomForMail]), ErrTooManyCopies when MailCopies of the mail may have arrived; then
	// nothing is recorded, and tokens that are out stay good. Issued is right with these
	// errors too.
	IssueToken(ctx context.Context, t Token, limit int) (Issued, error)

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
	// (EventPasswordChanged, at Change.At) and remembers the submission together with the
	// notice that is owed for it ([NewDebt] of the account as it is then). It returns the
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
	// many, in an order that is another one each time. One that cannot be read is left out:
	// it keeps nobody else from being told, and the error says that there is one.
	Owed(ctx context.Context, before time.Time, most int) ([]Notice, error)

	// End makes a run over, in one transaction: it deletes the token records of the run,
	// with one audit entry (EventResetEnded) for each account that had any, and returns
	// the notice of the newest submission that was applied for it. No submission to a link
	// from before is applied afterwards. Errors: ErrNotFound when none was applied; the
	// run is over then too.
	End(ctx context.Context, run string, at time.Time) (Notice, error)

	// Record writes an entry of the audit log, as it is: also of an event that this package
	// does not name, of an account that is not there and of none.
	Record(ctx context.Context, e Entry) error

	// Sweep deletes what nobody needs any more: records of tokens that expired before
	// a time, and mail counts and remembered submissions from before it, except those
	// with a notice that is not settled. It returns how many it deleted; audit entries stay.
	// The time must be days ago: mails count as long as the bucket of their account has not
	// run empty, and a submission may be repeated as long as its run is open. A store that
	// several processes share does not trust the caller's clock: it keeps what is newer than
	// Kept by a clock of its own too.
	Sweep(ctx context.Context, before time.Time) (int, error)

	// SweepAudit deletes the lines of the audit log that are older than keep, which is more than
	// zero, and returns how many. It does so in transactions of a bounded size, so that the first
	// sweep of a long log keeps nobody waiting; when it fails, some may be gone. A store with a
	// clock of its own goes by the earlier of that and now.
	SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (int, error)

	// Close releases the store. No other method may be called after it.
	Close() error
}
