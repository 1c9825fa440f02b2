package starter

import "errors"

// Results of a reset besides success. Each is a fact that the holder of a link may know; none
// reveals whether an address has an account.
var (
	// ErrLinkInvalid means the link was not made by this rekey: damaged, forged,
	// for another purpose, or of another base URL or namespace.
	ErrLinkInvalid = errors.New("the link is not valid")
	// ErrLinkExpired means that no submission with the link is known to have come in time. The
	// result of one is reported for a day after the link's end.
	ErrLinkExpired = errors.New("the link has expired")
	// ErrLinkUsed means a password was already set through this reset, by this link or another
	// one of the same run.
	ErrLinkUsed = errors.New("the link was already used")
	// ErrLinkCanceled means the owner or an operator canceled this reset.
	ErrLinkCanceled = errors.New("the reset was canceled")
	// ErrLinkEnded means that this reset did not end by its own steps: an operator or a failure
	// ended it. The store has answered: the reset did not change the password, and will not.
	ErrLinkEnded = errors.New("the reset was ended from outside")
	// ErrLinkRestarted means that an operator reset the run in Temporal, so that its links are
	// dead. A newer mail may have one that works.
	ErrLinkRestarted = errors.New("the reset was started again")
	// ErrChangeRefused means that the store refused the change for good. The account changed after
	// the mail was sent (its address, its password, or it was closed). Or its tables do not take
	// the new hash, or the submission was older than a day. Every caller gets this answer for
	// every password: none was set.
	ErrChangeRefused = errors.New("the change was refused")
	// ErrPending means the new password is accepted durably and is applied as soon as a worker is
	// there. Or Temporal got it, and went away before it answered. It is never another password
	// than the submitted one. A retry with the same password is safe, and gives the result.
	ErrPending = errors.New("the new password is accepted and not applied yet")
	// ErrBusy means that too many passwords are being hashed, or were tried on this link in the
	// last minute. Nothing was accepted and the link is as good as before.
	ErrBusy = errors.New("too many submissions at once")
	// ErrOverloaded means that more resets are requested than Config.StartLimit lets through.
	// Nothing was started, for any caller.
	ErrOverloaded = errors.New("too many resets are requested")
	// ErrUnavailable means Temporal, or a required check of Config, did not answer, so nothing was
	// accepted. Or the run has accepted another submission, or does not answer, so the result of
	// the link is not known yet.
	ErrUnavailable = errors.New("the reset service is not available")
)
