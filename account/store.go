package account

import (
	"context"
	"time"
)

// Kept is how long records outlive their use. A submission that was accepted in time is applied
// within a day, so this is plenty.
const Kept = 7 * 24 * time.Hour

// Store keeps accounts and the data of resets. Every method may be called concurrently, also by
// several processes where the store allows that. A method that returned nil has written
// durably.
//
// An error that is none of this package's sentinels is a fault of the store. Nothing was
// changed, or it is unknown whether it was, and the call may be repeated. Error texts and
// audit entries hold no address, token or hash. A call with an ended context does nothing and
// returns the context's error (errors.Is).
//
// An entry of the audit log has the account's ID. The time, the run, the client and the
// operator are those of its TokenRecord, Change or Entry. Entries are kept in the order of
// writing. The Detail of a refusal is the text of its error.
type Store interface {
	Ledger

	// Find returns every account with the address, in any spelling of its host, closed
	// accounts too. The argument is normalized by [ParseAddress]; the results have the address
	// as it is stored, and the caller compares again. For a text that is no address it returns
	// no account. No account is no error.
	Find(ctx context.Context, address string) ([]Account, error)

	// Account returns an account. Errors: ErrNotFound.
	Account(ctx context.Context, id string) (Account, error)

	// ChangePassword applies a submission and returns the account's ID. It does the following
	// in one transaction:
	//
	//   - It finds the token's record, which must be of the run and the scope of the change
	//     ([Change.Takes]), and takes the account from it.
	//   - It checks that the account exists, and that the scope of the record allows the change:
	//     a reset needs an account with a password, a first password one without. Address and
	//     credential must be those of the record ([TokenRecord.Fits]). The new hash must have
	//     the form of the old one ([Change.Fits]).
	//   - It sets the new hash and nothing else of the account.
	//   - It deletes all token records of the account and ends its sessions for good. That
	//     includes later sessions of a sign-in that verified the old password.
	//   - It writes the audit entry ([Change.Event], at Change.At).
	//   - It remembers the submission and the notice owed for it ([NewDebt] of the account at
	//     that time). A host that keeps whether an address is verified marks it for a first
	//     password.
	//
	// It does not check whether the token has expired.
	//
	// The same submission again, also concurrently, succeeds, returns the same account and
	// changes nothing, in any later state of the account. Its ID and run identify it, also
	// with another Change.Record or none. Of different submissions to one account's tokens, one
	// succeeds.
	//
	// With an error the ID is empty. ErrTokenUnknown means that there is no such record, that it
	// is of another scope, or that the submission was another run's; it leaves no audit entry. After an error that is
	// ErrRefused the account is unchanged and the record is kept, and each call writes an audit
	// entry (EventChangeRefused). ErrNeverTaken means that the tables can never take the
	// change, so that it is not repeated.
	ChangePassword(ctx context.Context, c Change) (accountID string, err error)

	// Block ends the use of an account's password. It does the following in one transaction:
	//
	//   - It checks that the account exists and may be reset, and sets the hash of [Block.Instead]
	//     and nothing else of the account.
	//   - It ends the account's sessions for good. That includes later sessions of a sign-in that
	//     verified the old password.
	//   - It deletes the token records of the account, but those of the new hash.
	//   - It writes the audit entry ([Block.Entry]), and remembers the order.
	//
	// A submission to a token of before is refused from then on. No notice is owed.
	//
	// The same block again, also concurrently, succeeds while the account has the blocked hash. It
	// ends the sessions again, keeps the links that were mailed since, and writes at most one more
	// audit entry. After the owner has set a new password it would block that one, so a caller that
	// has an answer must not repeat it.
	//
	// Errors, after which the account is unchanged: ErrAccountGone, ErrNotResettable, ErrHashForm,
	// ErrNeverTaken, and the error of Block.Hash as it is. None of them leaves an audit entry.
	Block(ctx context.Context, b Block) error
}

// Ledger is the part of a [Store] that knows accounts by their ID only: the records of tokens,
// mails, submissions, notices, and the audit log.
type Ledger interface {
	// IssueToken records a token, counts its mail and writes the audit entry, in one
	// transaction (EventMailIssued, at TokenRecord.Issued), by the rules of [TokenRecord.Judge]. A mail
	// (TokenRecord.Mail) counts once for each copy that may have arrived, at its first attempt and
	// for any number of attempts. The records of its other tokens that were not revoked are
	// those copies, and all of them stay valid. The account need not exist.
	//
	// Errors: ErrMailLimit when the account's other mails leave no room at TokenRecord.Issued
	// ([RoomForMail]) or its owner complained, ErrTooManyCopies when MailCopies of the mail may have arrived. Then
	// nothing is recorded, and earlier tokens stay valid. Issued is correct with these errors
	// too.
	IssueToken(ctx context.Context, t TokenRecord, limit int) (Issued, error)

	// Complained notes that the owner of an account complained about a mail, and writes the entry, in
	// one transaction. The account and the time are those of the entry. For MailRest after it
	// IssueToken returns ErrMailLimit, whatever the limit ([Complaint]). The account need not exist.
	// The same complaint again only writes another entry.
	Complained(ctx context.Context, e Entry) error

	// RevokeToken deletes the record of a token whose mail definitely did not go out. It
	// writes the audit entry EventMailRevoked, with the client and the operator of the token.
	// The mail stays counted. A missing record is no error, and leaves no entry.
	RevokeToken(ctx context.Context, key RecordKey, at time.Time) error

	// Notice returns the notice owed for a submission that a run has applied, or with an empty
	// submission for the newest one of the run. For a submission that is older than notices in
	// the store, it is owed to the account as it is at the first call. If the account is gone,
	// no notice is owed. Errors: ErrNotFound when the run has applied no such submission, or
	// it was swept.
	Notice(ctx context.Context, run, submission string) (Notice, error)

	// Tell records the outcome of a mail of a notice, or of the notice itself, by the rules of
	// [Debt.After], and returns the updated notice. TellGivenUp of a notice that is not settled
	// writes the audit entry [Notice.GivenUp]. It is one transaction, and loses no concurrent
	// update. Errors: ErrNotFound.
	Tell(ctx context.Context, submission string, what Telling, address string, at time.Time) (Notice, error)

	// Owed returns unsettled notices of changes before a time, up to a number, in another
	// order each time. It leaves out a notice that cannot be read, and returns an error beside
	// the others.
	Owed(ctx context.Context, before time.Time, most int) ([]Notice, error)

	// End ends a run in one transaction. It deletes the token records of the run, with one
	// audit entry (EventResetEnded) for each account that had any. It returns the notice of the
	// newest submission that was applied for the run. No submission to an earlier link is
	// applied afterwards. Errors: ErrNotFound when none was applied; the run has ended then
	// too.
	End(ctx context.Context, run string, at time.Time) (Notice, error)

	// Record writes an entry of the audit log unchanged. Its event may be unknown to this
	// package, its account missing or empty.
	Record(ctx context.Context, e Entry) error

	// Sweep deletes records of tokens that expired before a time, and mail counts and
	// remembered submissions from before it. Submissions with an unsettled notice stay, as do
	// audit entries. It returns the number of deleted records.
	//
	// The time must be days ago. Mails count until the bucket of their account is empty, and a
	// submission may be repeated while its run is open. A store that several processes share
	// does not trust the caller's clock. It also keeps records that are newer than Kept by a
	// clock of its own.
	Sweep(ctx context.Context, before time.Time) (int, error)

	// SweepAudit deletes lines of the audit log that are older than keep, which is more than
	// zero, and returns their number. It uses transactions of a bounded size, so that the first
	// sweep of a long log delays no change. After an error some lines may be gone. A store with
	// a clock of its own uses the earlier of that clock and now.
	SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (int, error)

	// Close releases the store. No other method may be called after it.
	Close() error
}
