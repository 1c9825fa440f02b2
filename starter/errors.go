package starter

import "errors"

// Results of a reset besides success. Each is a fact that the holder of a link may know; none
// says whether an address has an account.
var (
	// ErrLinkInvalid means the link was not made by this rekey: damaged, forged,
	// for another purpose, or of another base URL or namespace.
	ErrLinkInvalid = errors.New("the link is not valid")
	// ErrLinkExpired means that nothing was handed in with the link in time, as far as is
	// known: what became of it is told for a day after its end.
	ErrLinkExpired = errors.New("the link has expired")
	// ErrLinkUsed means a password was already set through this reset, by this link or another
	// one of the same run.
	ErrLinkUsed = errors.New("the link was already used")
	// ErrLinkCanceled means the owner or an operator called this reset off.
	ErrLinkCanceled = errors.New("the reset was canceled")
	// ErrLinkEnded means that something else ended this reset than its own steps, an operator
	// or a failure. The store was asked: the password was not changed by it, and will not be.
	ErrLinkEnded = errors.New("the reset was ended from outside")
	// ErrLinkRestarted means that an operator reset the run in Temporal, so that its links are
	// dead. A newer mail may have one that works.
	ErrLinkRestarted = errors.New("the reset was started again")
	// ErrChangeRefused means that the store refused the change for good: the account changed
	// after the mail was sent (its address, its password, or it was closed), its tables do not
	// take the new hash, or the submission was older than a day. Every caller gets this answer,
	// whatever the password: none was set.
	ErrChangeRefused = errors.New("the change was refused")
	// ErrPending means the new password is accepted durably and is applied as
	// soon as a worker is there; or it was handed to Temporal, which went away before it
	// answered. It is never another one than was submitted. Asking again with the same
	// password is safe, and tells.
	ErrPending = errors.New("the new password is accepted and not applied yet")
	// ErrBusy means that too many passwords are being hashed, or were tried on this
	// link in the last minute; nothing was accepted and the link is as good as before.
	ErrBusy = errors.New("too many submissions at once")
	// ErrOverloaded means that more resets are requested than Config.StartLimit lets
	// through; nothing was started, whoever asked.
	ErrOverloaded = errors.New("too many resets are requested")
	// ErrUnavailable means Temporal, or a check of Config that must be made, did not
	// answer, so nothing was accepted; or the run has taken another submission, or says
	// nothing, so that what becomes of the link is not known yet.
	ErrUnavailable = errors.New("the reset service is not available")
)
