package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/statemachine"
)

// The details in the Temporal UI, with everything that they can show.
func TestDetails(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(n int, m flow.Mail) answer {
		if n == 2 {
			return answer{result: flow.Delivery{Withheld: flow.MailLimit}}
		}
		return answer{after: 3 * time.Second, result: flow.Delivery{Expires: started.Add(m.Life)}}
	}
	s.change = func(n int, c flow.Change) answer {
		if n == 1 {
			return answer{result: unknown(c)}
		}
		return answer{result: flow.Verdict{
			Event: statemachine.ChangeRefused, Submission: c.Submission.ID, Reason: "refused: the account is gone",
		}}
	}
	s.at(2*time.Minute, s.submit("nobody's"))
	s.at(5*time.Minute, s.ask)
	s.at(10*time.Minute, s.submit("one"))
	s.run()
	golden.Check(t, "details.md", s.details())
}
