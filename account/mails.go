package account

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// MailRefill is how long an account that has had all its mails waits for the next. Requests
	// of strangers must not keep the owner from having one.
	MailRefill = time.Hour
	// MailCopies is how often a mail goes out of which it is not known whether it arrived.
	MailCopies = 3
	// MailRest is how long an account gets no mail after its owner complained about one.
	MailRest = 24 * time.Hour
)

// complained begins the names under which stores count complaints among the mails of an account.
const complained = "complaint/"

// Complaint is how a store counts a complaint ([Ledger.Complained]): as a mail of this name, which
// takes no room. Complaints of one hour are one.
func Complaint(at time.Time) Counted {
	return Counted{complained + at.UTC().Truncate(time.Hour).Format(time.RFC3339), at.UTC()}
}

// Issued is what [Store.IssueToken] knows of a mail.
type Issued struct {
	Copy    int       // 1, or more when earlier copies may have arrived; of ErrMailLimit too
	Asked   int       // mails requested in 24 hours, this one too; copies do not count
	Expires time.Time // when the last link of earlier copies ends; zero when there are none
}

// Counted is a mail, or a further copy of one, that counts towards the limit.
type Counted struct {
	Name string
	At   time.Time // of the first attempt
}

// Judge says whether a mail may go out with t, and under which name it is counted. A store
// calls it in the transaction that issues t, and counts each name once. Out are the other
// records of the same account and mail. A mail that did not arrive has no record, so each is a
// copy that may have arrived. Counted are the counted mails of the account, in any order.
// Errors: ErrTooManyCopies, ErrMailLimit.
func (t TokenRecord) Judge(out []TokenRecord, counted []Counted, limit int) (name string, i Issued, err error) {
	i = Issued{Copy: len(out) + 1, Asked: 1}
	for _, copied := range out {
		if copied.Expires.After(i.Expires) {
			i.Expires = copied.Expires
		}
	}
	if name = t.Mail; len(out) > 0 {
		name = fmt.Sprintf("%s/%d", t.Mail, i.Copy)
	}
	known, others := false, make([]time.Time, 0, len(counted))
	for _, c := range slices.DeleteFunc(slices.Clone(counted), Counted.complaint) {
		if c.Name == name {
			known = true
			continue
		}
		others = append(others, c.At)
		first, _, again := strings.Cut(c.Name, "/")
		if !again && first != t.Mail && t.Issued.Sub(c.At).Abs() < 24*time.Hour {
			i.Asked++
		}
	}
	switch {
	case len(out) >= MailCopies:
		return "", i, ErrTooManyCopies
	case t.rests(counted), !known && !RoomForMail(others, t.Issued, limit):
		return "", i, ErrMailLimit
	}
	return name, i, nil
}

func (c Counted) complaint() bool { return strings.HasPrefix(c.Name, complained) }

// rests reports that the account of a token gets no mail because of a complaint. A time further in
// the future than MailRefill does not count, as in [RoomForMail].
func (t TokenRecord) rests(counted []Counted) bool {
	return slices.ContainsFunc(counted, func(c Counted) bool {
		age := t.Issued.Sub(c.At)
		return c.complaint() && -MailRefill <= age && age < MailRest
	})
}

// RoomForMail reports whether an account that had mails at these times may have one more now.
// It has size mails at once and then one each MailRefill. This is a leaky bucket (ITU-T I.371,
// GCRA): a mail raises its level by one, and MailRefill lowers it by one. The level stays
// within size, so that mails of operators beyond it extend no wait.
//
// A time in the future, from another clock, counts as now. It does not count when it is further
// away than MailRefill: a wrong clock must lock no owner out.
func RoomForMail(sent []time.Time, now time.Time, size int) bool {
	sent = slices.SortedFunc(slices.Values(sent), time.Time.Compare)
	var level time.Duration // until the bucket is empty
	last := now
	for n, at := range sent {
		if at.Sub(now) > MailRefill {
			break
		}
		if at.After(now) {
			at = now
		}
		if n > 0 {
			level = max(0, level-at.Sub(last))
		}
		if level += MailRefill; mails(level) > size {
			level = time.Duration(size) * MailRefill
		}
		last = at
	}
	return mails(level-now.Sub(last)) < size
}

// mails is how many a level is, of which a part counts as one.
func mails(level time.Duration) int { return int((level + MailRefill - 1) / MailRefill) }
