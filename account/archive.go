package account

import (
	"context"
	"errors"
	"slices"
	"time"
)

// EventForgotten is the line that [Archive.Forget] leaves. It has the operator and no account.
const EventForgotten Event = "account_forgotten"

// ErrAccountThere means that an account is not deleted: its records are in use.
var ErrAccountThere = errors.New("the account still exists: delete it in the application first")

// Archive is the work of a store for operators, beside that of a [Store]. Its methods may be
// called concurrently and while workers use the store.
type Archive interface {
	// Entries returns the lines of the audit log that a filter picks, in the order of writing.
	Entries(ctx context.Context, f Filter) ([]Entry, error)

	// Forget deletes the records of a deleted account in one transaction. These are token
	// records, mail counts, remembered submissions, sessions in rekey's own tables, and lines
	// of the audit log. It writes one line of [EventForgotten] with by's time and operator, and
	// no account. An account without records is no error. Errors: ErrAccountThere; then nothing
	// is deleted.
	Forget(ctx context.Context, accountID string, by Entry) (Forgotten, error)
}

// Filter picks lines of the audit log. A field that is zero picks all.
type Filter struct {
	AccountIDs []string  // of any of these; the empty ID is that of lines without an account
	Run        string    // original run ID
	Event      Event     //
	Operator   string    //
	Since      time.Time // of this time or later
	Until      time.Time // of before this time
	Last       int       // most lines, the newest ones
}

// Picks reports whether a line is one that the filter picks; Last is not its business.
func (f Filter) Picks(e Entry) bool {
	if f.AccountIDs != nil && !slices.Contains(f.AccountIDs, e.AccountID) {
		return false
	}
	for _, pair := range [][2]string{{f.Run, e.Run}, {string(f.Event), string(e.Event)}, {f.Operator, e.Operator}} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	return !e.At.Before(f.Since) && (f.Until.IsZero() || e.At.Before(f.Until))
}

// Forgotten is how many of each were deleted.
type Forgotten struct {
	Tokens      int `json:"tokens"`
	Mails       int `json:"mails"`
	Submissions int `json:"submissions"`
	Sessions    int `json:"sessions"`
	Entries     int `json:"audit_entries"`
}
