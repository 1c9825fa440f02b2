package operator

import (
	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// The kinds of a send-email.
const (
	linkMail   = "link"
	noticeMail = "notice" // to the account owner, until it has reached one address
	owedMail   = "owed"   // to addresses which a notice has not reached yet, also of earlier runs
)

// mail takes a send-email that is scheduled.
func (s *story) mail(a *historypb.ActivityTaskScheduledEventAttributes) activity {
	var m flow.Mail
	s.unseal(a.GetInput(), &m)
	act := activity{s.mailKind(a, m), m}
	switch act.kind {
	case linkMail:
		s.link(m.Number)
	case noticeMail:
		s.fire(statemachine.PasswordChanged)
	case owedMail:
		s.owed, s.hadOwed = s.owed+1, true
	}
	return act
}

// mailKind tells links and notices apart. Without the key it compares policies. An attempt of a
// notice may take as long as all attempts together, and one of a link may not.
func (s *story) mailKind(a *historypb.ActivityTaskScheduledEventAttributes, m flow.Mail) string {
	first := s.machine.State() == statemachine.StatePasswordChanged ||
		s.machine.Can(statemachine.PasswordChanged) && s.decided && !s.waiting
	switch {
	case m.Run != "" && m.Account == "":
		return linkMail
	case m.Run != "" && len(m.To) > 0:
		return owedMail
	case m.Run == "" && a.GetStartToCloseTimeout().AsDuration() < a.GetScheduleToCloseTimeout().AsDuration():
		return linkMail
	case m.Run != "" || first:
		return noticeMail
	default:
		return owedMail
	}
}

// delivery is the result of a mail. A failed or foreign answer has reached no address.
func (s *story) delivery(result *commonpb.Payloads) flow.Delivery {
	var d flow.Delivery
	if result == nil || s.unsealAnswer(result, &d) != nil && !s.sealed {
		return flow.Delivery{Withheld: flow.MailFailed}
	}
	return d
}

func (s *story) noticeDone(kind string, result *commonpb.Payloads) {
	if kind == owedMail {
		s.owed--
		return
	}
	if d := s.delivery(result); d.Waits == "" { // else it is begun again
		s.untold = d.Withheld != ""
	}
}

// owes reports that a notice is pending. An open run in a final state waits for that, also between
// two attempts, for the note of a cancel, or for an event to be told.
func (s *story) owes() bool {
	over := s.machine.Final() && s.machine.State() != statemachine.StateCanceled
	return s.end.at.IsZero() && (s.owed > 0 || over && s.hadOwed)
}
