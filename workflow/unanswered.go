package workflow

import "time"

// Links is what a run knows of the links that it has mailed.
type Links struct {
	Mailing   bool          // one is on its way
	Begun     int           // with the one on its way
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
	LinksEnded   Unanswered = "last_link_ended" // nobody can use the run any more: another run answers
)

// Unanswered says why a request mails no link of the run, "" when it does. The last link may end
// before the run does: a run stays open for the grace after that, and longer when the worker's
// links live shorter than was asked for.
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

func (r *run) links() Links {
	return Links{r.mail != nil, r.mails, r.mailedAt, r.expires, r.in.MailPause}
}
