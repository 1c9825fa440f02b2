package operator

import (
	"cmp"
	"time"

	commonpb "go.temporal.io/api/common/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// longestPause is longer than the pause of a run before a repeated activity. It is no longer than
// the grace, by which the timer of a link outlives the link.
const longestPause = time.Minute

// links is the known state of the link mails.
type links struct {
	begun, answered int
	pending         bool // the last answer has come, and the run has not acted on it
	again           bool // the next mail is the last one, begun again
	mailedAt        time.Time
	ends            time.Time // when the last link that was mailed ends
	expires         time.Time // when the timer of the run fires
	withheld        flow.Reason
	before          flow.Reason // withheld before the last mail
}

// repeat takes back the answer of a mail that is begun again.
func (l *links) repeat() {
	l.answered = min(l.answered, l.begun-1)
	l.withheld = l.before
	l.pending, l.again = false, true
}

// link takes a link mail that is begun. A repeated one keeps its number.
func (s *story) link(number int) {
	l := &s.links
	if l.pending {
		l.repeat()
	}
	if l.again {
		number = cmp.Or(number, l.begun)
	} else {
		l.before = l.withheld
	}
	l.begun = max(cmp.Or(number, l.begun+1), l.begun)
	l.answered = min(l.answered, l.begun-1)
	l.again = false
	s.asked = 0
}

func (s *story) linkDone(m flow.Mail, at time.Time, result *commonpb.Payloads) {
	d := s.delivery(result)
	if d.Waits != "" || m.Run != "" && d.Mail != "" && d.Mail != m.LinkMail().Name() {
		return // it is begun again
	}
	l := &s.links
	l.answered, l.pending, l.mailedAt = l.answered+1, true, at
	l.withheld = d.Withheld
	if d.Withheld == "" || !d.Expires.IsZero() { // one that is withheld as unknown may have arrived
		l.ends = d.Expires
	}
	l.expires = time.Time{} // the timer starts again
}

// timer takes a timer that starts. A link's timer shows that the run has acted on the answer.
func (s *story) timer(at time.Time, d time.Duration) {
	l := &s.links
	if !s.waiting || !l.pending || d <= max(longestPause, s.in.LinkLife) {
		return
	}
	l.pending, l.expires = false, at.Add(d)
	if s.task.After(l.mailedAt) {
		l.mailedAt = s.task
	}
	if l.withheld == "" && l.ends.IsZero() { // workers of 0.2.0 do not say
		l.ends = l.mailedAt.Add(s.in.LinkLife)
	}
	s.fire(statemachine.LinkSent) // LinkWithheld leads to the same state
}

// unanswered is why a request mails no link now, as far as Temporal knows: the store counts mails
// too. It is "" when this run mails a link, or another one that answers.
func (s *story) unanswered(now time.Time) flow.Unanswered {
	first := s.machine.State() == s.flow.Table.Initial()
	if !s.end.at.IsZero() || !s.waiting && s.waits > 0 || !first && !s.machine.Can(statemachine.LinkSent) {
		return ""
	}
	l := s.links
	why := flow.Links{
		Mailing: first || l.begun > l.answered || l.pending,
		Begun:   l.begun, MailedAt: l.mailedAt, Expires: l.ends, MailPause: s.in.MailPause,
	}.Unanswered(now)
	if why == flow.LinksEnded {
		return ""
	}
	return why
}
