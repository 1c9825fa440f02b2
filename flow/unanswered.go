package flow

import "time"

// Links is a run's knowledge of its mailed links.
type Links struct {
	Mailing   bool          // one is in progress
	Begun     int           // with the one in progress
	MailedAt  time.Time     // when the run heard that the last one was mailed or withheld
	Expires   time.Time     // when the last one that was mailed ends; zero when none was
	MailPause time.Duration // of the [Request]
}

// Unanswered is why a request mails no link.
type Unanswered string

// Why a request mails no link.
const (
	MailOnItsWay Unanswered = "mail_on_its_way"
	InCoolDown   Unanswered = "cool_down"
	LastLinkOut  Unanswered = "last_link_out"   // the run has mailed all its links, and one is good or was just mailed
	LinksEnded   Unanswered = "last_link_ended" // all links have ended: another run answers
)

// Unanswered says why a request mails no link of the run, "" when it does. The last link may end
// before the run, which stays open for the grace after it. A worker's links may also live shorter
// than was asked for.
func (l Links) Unanswered(now time.Time) Unanswered {
	cooling := now.Sub(l.MailedAt) < l.MailPause
	switch {
	case l.Mailing:
		return MailOnItsWay
	case l.Begun < MaxMails && cooling:
		return InCoolDown
	case l.Begun < MaxMails:
		return ""
	case cooling || now.Before(l.Expires) || l.Expires.IsZero() && now.Sub(l.MailedAt) < withheldPause:
		return LastLinkOut
	default:
		return LinksEnded
	}
}

func (r *Run) links() Links {
	return Links{r.mail != nil, r.mails, r.mailedAt, r.expires, r.in.MailPause}
}
