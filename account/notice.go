package account

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// MaxCopies is how many copies of a notice an address gets at most, while no mail server
// reports their outcome.
const MaxCopies = 3

// copyPause is how long to wait for the second and the third copy. A broken mail server is soon
// back. One that loses its answers for longer is given time.
var copyPause = [MaxCopies]time.Duration{30 * time.Second, 15 * time.Minute, 0}

// Notice is the notice that a change of a password, or a first password, owes to the owner. It goes
// to every address that the account had in the transaction of the change. The store owes it, not
// the run, so that it outlives a terminated run.
type Notice struct {
	Submission string    // that was applied
	Run        string    // original run ID of the reset
	AccountID  string    // whose password was changed
	Changed    time.Time // when
	Debt
}

// Debt is how far a notice has come.
type Debt struct {
	Left  []Recipient // open recipients, the next one first; none when the notice is settled
	Told  int         `json:",omitempty"` // addresses that were notified, or that may have been
	Since time.Time   `json:",omitzero"`  // when the first mail was tried
	First bool        `json:",omitempty"` // that the change was the account's first password
	// Locale is the language of the mails: that of the account, or else of the request.
	Locale string `json:",omitempty"`
}

// Recipient is an address that is owed a notice.
type Recipient struct {
	Address string
	Copies  int       `json:",omitempty"` // mails to it that may have gone out
	Next    time.Time `json:",omitzero"`  // when the next one may be tried
}

// Telling is the outcome of a mail to an address.
type Telling string

// Outcomes of a mail and of a notice.
const (
	TellBegun   Telling = "begun"    // it goes out now, or fails
	TellDone    Telling = "done"     // a mail server took it
	TellNotSent Telling = "not_sent" // it definitely did not go out
	TellUnclear Telling = "unclear"  // unknown
	TellGivenUp Telling = "given_up" // of the notice: no more mails are tried
)

// NewDebt is the debt to the owner of an account for a change: one mail to each of its addresses, and
// none for a change of no password.
func NewDebt(a Account, c Change) Debt {
	if !OfPassword(c.Wants()) {
		return Debt{}
	}
	d := Debt{First: c.First(), Locale: cmp.Or(a.Locale, ParseLocale(c.Locale))}
	for _, to := range append([]string{a.Address}, a.Notify...) {
		known := func(r Recipient) bool { return SameAddress(r.Address, to) || r.Address == to }
		if !slices.ContainsFunc(d.Left, known) {
			d.Left = append(d.Left, Recipient{Address: to})
		}
	}
	return d
}

// Settled reports that no recipient is left.
func (d Debt) Settled() bool { return len(d.Left) == 0 }

// Untold reports that the notice is over and reached no address.
func (d Debt) Untold() bool { return d.Settled() && d.Told == 0 }

// Recipient returns the entry of an address that is still owed a notice.
func (d Debt) Recipient(address string) (Recipient, bool) {
	if i := d.find(address); i >= 0 {
		return d.Left[i], true
	}
	return Recipient{}, false
}

func (d Debt) find(address string) int {
	return slices.IndexFunc(d.Left, func(r Recipient) bool { return r.Address == address })
}

// After is the debt after an outcome of a mail to an address. A copy counts before it is sent,
// so that a dying worker causes no more than [MaxCopies]. After them, none of which is known to
// be lost, the address counts as notified. An address that is not left changes nothing.
func (d Debt) After(what Telling, address string, at time.Time) Debt {
	if what == TellGivenUp {
		d.Left = nil
		return d
	}
	i := d.find(address)
	if i < 0 {
		return d
	}
	r, others := d.Left[i], slices.Delete(slices.Clone(d.Left), i, i+1)
	spent := r.Copies >= MaxCopies
	switch {
	case what == TellDone, spent && what != TellNotSent:
		d.Left, d.Told = others, d.Told+1
		return d
	case what == TellBegun:
		if d.Since.IsZero() {
			d.Since = at
		}
		r.Copies++
		d.Left = slices.Insert(others, i, r)
		return d
	case what == TellNotSent:
		r.Copies = max(0, r.Copies-1)
	default:
		r.Next = at.Add(copyPause[max(0, r.Copies-1)])
	}
	d.Left = slices.Concat(others, []Recipient{r}) // behind those whose turn has not come
	return d
}

// GivenUp is the line of the audit log about a notice that is given up with recipients left.
func (n Notice) GivenUp(at time.Time) Entry {
	what := "the password change"
	if n.First {
		what = "the first password"
	}
	detail := "no address was notified of " + what
	if n.Told > 0 {
		detail = fmt.Sprintf("%d of %d addresses were not notified of %s", len(n.Left), len(n.Left)+n.Told, what)
	}
	return Entry{At: at, Event: EventNoticeFailed, Run: n.Run, AccountID: n.AccountID, Detail: detail}
}
