// Package account holds the data of a password reset: accounts, the records of mailed tokens,
// and the audit log, behind the interface [Store].
//
// Stores live in subpackages; package storetest holds the one suite that each of them
// passes.
package account

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The scopes of token records. A record of another scope allows no change. The names are released:
// stores have them.
const (
	ScopePasswordReset = "password:reset" // a new password in place of another one
	ScopeFirstPassword = "password:first" // a password for an account that has none, after an invitation
)

// Account is one person's account, as far as a reset is concerned.
type Account struct {
	ID         string   // the host application's, never empty
	Address    string   // where links are mailed
	Notify     []string // further addresses that get the notice of a change
	Credential string   // the stored password hash; see HasPassword for accounts that have none
	Disabled   bool     // closed or locked by the host application: gets no link
	Resettable bool     // whether its password may be reset; false for SSO-only accounts
	Locale     string   `json:",omitempty"` // language of its mails, as [ParseLocale] reads it; empty when unknown
}

// HasPassword reports whether the account has a password of its own, which alone can be reset.
// It has none when the credential is empty or begins with "!" or "*", as no hash of crypt(3) or
// PHC does. Django marks accounts of LDAP or single sign-on so (set_unusable_password),
// shadow(5) locked ones.
func (a Account) HasPassword() bool {
	return a.Credential != "" && a.Credential[0] != '!' && a.Credential[0] != '*'
}

// hasLocked reports a hash behind the mark of an account without a password. passwd(1) locks so, of
// Linux with "!", of FreeBSD with "*LOCKED*" and of Solaris with "*LK*": an invitation must not open
// what an administrator locked. A hash without a [Form] is not recognized.
func (a Account) hasLocked() bool {
	rest := strings.TrimPrefix(strings.TrimPrefix(a.Credential, "*LOCKED*"), "*LK*")
	return !a.HasPassword() && Form(strings.TrimLeft(rest, "!*")) != ""
}

// Allows says why no token of a scope may be issued for the account, or used, as it is now; nil when
// one may. A reset never gives an account its first password, and an invitation never replaces a
// password. Errors: ErrNotResettable, ErrHasPassword, ErrTokenUnknown for another scope.
func (a Account) Allows(scope string) error {
	first := scope == ScopeFirstPassword
	switch {
	case !first && scope != ScopePasswordReset:
		return ErrTokenUnknown
	case a.Disabled || !a.Resettable, first && a.hasLocked(), !first && !a.HasPassword():
		return ErrNotResettable
	case first && a.HasPassword():
		return ErrHasPassword
	}
	return nil
}

// RecordKey names the record of a token: SHA-256(SHA-256(token)). A reader of the store can make
// neither the token nor a submission of it.
type RecordKey [32]byte

// TokenRecord is the record of one mailed token. The store's record decides whether a link
// counts; the token itself is nowhere in it.
type TokenRecord struct {
	Key        RecordKey
	Scope      string // decides what a change may do; ScopePasswordReset, ScopeFirstPassword, or of a flow that changes no password
	AccountID  string
	Address    string   // the account's address at issue
	Credential [32]byte // digest of the account's credential at issue
	Run        string   // original run ID of the reset
	Mail       string   // names the mail, without "/"; the same on all its attempts
	Client     string   // network address of the caller, for the audit log; empty when unknown
	Operator   string   `json:",omitempty"` // operator who made the request, for the audit log
	Issued     time.Time
	Expires    time.Time // for the sweep: whether a link came in time is judged on acceptance
}

// CredentialDigest is the part of a password hash that a token record keeps. It shows that the
// password was changed since, and helps no attack on the password.
func CredentialDigest(credential string) [32]byte { return sha256.Sum256([]byte(credential)) }

// SameCredential reports, in constant time, whether a digest is that of a stored password
// hash.
func SameCredential(credential string, digest []byte) bool {
	now := CredentialDigest(credential)
	return subtle.ConstantTimeCompare(now[:], digest) == 1
}

// OfPassword reports whether tokens of a scope permit a change of the password. All others are of
// flows that change none, see [Apply].
func OfPassword(scope string) bool { return scope == ScopePasswordReset || scope == ScopeFirstPassword }

// Fits says why a token may not change the password of its account, as the account is now;
// nil when it may. Errors: those of [Account.Allows] for its scope, ErrAddressChanged,
// ErrCredentialChanged.
func (t TokenRecord) Fits(a Account) error {
	if err := a.Allows(t.Scope); err != nil {
		return err
	}
	switch {
	case !SameAddress(a.Address, t.Address):
		return ErrAddressChanged
	case !SameCredential(a.Credential, t.Credential[:]):
		return ErrCredentialChanged
	}
	return nil
}

// Change is an accepted submission, to be applied once.
type Change struct {
	Record     RecordKey // of the token that was used
	Submission string    // names the submission: the same for the same link and password
	Scope      string    `json:",omitempty"` // of the token; empty means ScopePasswordReset
	Run        string    // original run ID of the reset
	Client     string    // network address of the caller, for the audit log; empty when unknown
	Hash       string    // the new stored password hash
	Upgrade    bool      // that the host reads Hash too, where the account has another [Form]
	At         time.Time // when it is applied
	// Locale is the language of the request, for the notice of an account without one.
	Locale string `json:",omitempty"`
}

// Wants is the scope that the token of the submission must have.
func (c Change) Wants() string { return cmp.Or(c.Scope, ScopePasswordReset) }

// Takes returns ErrTokenUnknown unless the record is of the run and the scope of the change.
func (c Change) Takes(t TokenRecord) error {
	if t.Run != c.Run || t.Scope != c.Wants() {
		return ErrTokenUnknown
	}
	return nil
}

// First reports that the change gives an account its first password.
func (c Change) First() bool { return c.Scope == ScopeFirstPassword }

// Event is the audit event of the change when it is applied.
func (c Change) Event() Event {
	switch {
	case c.First():
		return EventPasswordSet
	case !OfPassword(c.Wants()):
		return EventApplied
	default:
		return EventPasswordChanged
	}
}

// Applied is the line of the audit log about the change when it is applied. The scope of one that
// changes no password is its detail.
func (c Change) Applied(accountID string) Entry {
	detail := ""
	if !OfPassword(c.Wants()) {
		detail = c.Scope
	}
	return c.Entry(accountID, c.Event(), detail)
}

// Fits returns ErrHashForm when the account's sign-in would not read the new hash. The owner
// would be locked out. An account without a password has no form to keep.
func (c Change) Fits(a Account) error {
	if !c.Upgrade && a.HasPassword() && Form(c.Hash) != Form(a.Credential) {
		return ErrHashForm
	}
	return nil
}

// Entry is the line of the audit log about the change of an account.
func (c Change) Entry(accountID string, e Event, detail string) Entry {
	return Entry{At: c.At, Event: e, Run: c.Run, AccountID: accountID, Client: c.Client, Detail: detail}
}

// Event is the kind of an audit entry.
type Event string

// The events of the audit log.
const (
	EventMailIssued      Event = "mail_issued"      // a token was recorded, to be mailed
	EventMailRevoked     Event = "mail_revoked"     // its mail definitely did not go out
	EventMailWithheld    Event = "mail_withheld"    // no mail goes out, or no further copy; the detail says why
	EventPasswordChanged Event = "password_changed" // and the account's sessions ended
	EventPasswordSet     Event = "password_set"     // the account has its first password
	EventApplied         Event = "applied"          // a submission that changes no password; the detail is its scope
	EventChangeRefused   Event = "change_refused"   // the detail says why
	EventResetCanceled   Event = "reset_canceled"   // the detail says by whom
	EventResetEnded      Event = "reset_ended"      // its run ended from outside, and its links count for nothing
	EventNoticeFailed    Event = "notice_failed"    // an owner's notice failed; the detail says whether at each address
	EventMailBounced     Event = "mail_bounced"     // a mail was not delivered after all
	EventMailComplaint   Event = "mail_complaint"   // the reader called a mail spam; no further one for a day
	EventEventFailed     Event = "event_failed"     // the application was not told an event; the detail says which
)

// Entry is a line of the audit log. It holds no address, token or hash.
type Entry struct {
	At        time.Time
	Event     Event
	Run       string // original run ID
	AccountID string // empty when no account is known
	Client    string // network address of the caller, empty when unknown
	Operator  string `json:",omitempty"` // operator who did it
	Detail    string
}

// Errors of a [Store].
var (
	// ErrNotFound means that no account has the ID, or that no submission is remembered that
	// a notice could be about.
	ErrNotFound = errors.New("no such account")
	// ErrMailLimit means that the account has had its mails, and the next is due within
	// MailRefill.
	ErrMailLimit = errors.New("the mail limit is reached for now")
	// ErrTooManyCopies means that all copies of a mail may have arrived that there may be.
	ErrTooManyCopies = errors.New("the limit of copies is reached")
	// ErrTokenUnknown means that there is no record of the token for this run.
	ErrTokenUnknown = errors.New("no record of the token")

	// ErrRefused marks every refusal of a change: final, and no fault.
	ErrRefused = errors.New("refused")
	// ErrAccountGone refuses: the account was deleted since the mail.
	ErrAccountGone = fmt.Errorf("%w: the account is gone", ErrRefused)
	// ErrNotResettable refuses: the account was disabled, or may not be reset.
	ErrNotResettable = fmt.Errorf("%w: the account is disabled or not resettable", ErrRefused)
	// ErrHasPassword refuses a first password: the account has got a password meanwhile.
	ErrHasPassword = fmt.Errorf("%w: the account has a password already", ErrRefused)
	// ErrAddressChanged refuses: the account has another address since the mail.
	ErrAddressChanged = fmt.Errorf("%w: the address changed since the mail", ErrRefused)
	// ErrCredentialChanged refuses: the account has another password since the mail.
	ErrCredentialChanged = fmt.Errorf("%w: the password changed since the mail", ErrRefused)
	// ErrNeverTaken refuses: the host's tables take no such change, however often it is tried.
	ErrNeverTaken = fmt.Errorf("%w: the store never takes this change", ErrRefused)
	// ErrHashForm refuses: the new hash is not of the [Form] of the one that it replaces.
	ErrHashForm = fmt.Errorf("%w: the new hash has another form than the old one, which the sign-in may not read", ErrRefused)
)
