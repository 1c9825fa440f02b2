package operator

import (
	"cmp"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// Run has the facts of a run for an operator: no address, no link, no password. Times have whole
// seconds. Withheld, Refused and Untold are not known when it is Sealed.
type Run struct {
	Flow       string    `json:"flow"` // flow.Definition.Kind
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	State      string    `json:"state"` // a statemachine.State, or how the run was ended from outside
	Open       bool      `json:"open"`
	Paused     bool      `json:"paused,omitempty"` // by an operator, in Temporal
	Started    time.Time `json:"started"`
	Ended      time.Time `json:"ended,omitzero"`
	Mails      int       `json:"mails"`                // links that the run has mailed, or withheld, or mails now
	Asked      int       `json:"asked,omitempty"`      // requests since the last of them, which mailed nothing
	Trying     *Attempt  `json:"mailing,omitempty"`    // the mail in progress
	Expires    time.Time `json:"expires,omitzero"`     // when the run ends unless its link is used
	Withheld   string    `json:"withheld,omitempty"`   // why the last link was not mailed, a flow.Reason
	Failure    string    `json:"failure,omitempty"`    // the type of its failure
	Refused    string    `json:"refused,omitempty"`    // why the store refused the change
	Untold     bool      `json:"untold,omitempty"`     // the password was changed, and this run notified no address
	Owed       bool      `json:"owed,omitempty"`       // a notice of this run or an earlier one is pending for an address
	Bounces    int       `json:"bounces,omitempty"`    // mails that bounced; with Sealed complaints too
	Complaints int       `json:"complaints,omitempty"` // about its mails
	Sealed     bool      `json:"sealed,omitempty"`     // payload.json is missing, or lacks a key of the run

	story *story
}

// Settled reports that the password question of the run is decided: a cancel changes nothing.
func (r Run) Settled() bool {
	table := statemachine.Reset
	if r.story != nil {
		table = r.story.flow.Table
	}
	return !r.Open || table.Settled(statemachine.State(r.State))
}

// Changed reports that the run has changed the password, or set the first one.
func (r Run) Changed() bool {
	s := statemachine.State(r.State)
	return s == statemachine.StatePasswordChanged || s == statemachine.StateCompleted
}

// Attempt is the progress of a pending activity.
type Attempt struct {
	Number int32     `json:"attempt"`
	Next   time.Time `json:"next,omitzero"` // of the next attempt; zero while one is in progress
	Why    string    `json:"why,omitempty"` // the type of the last failure
}

func attemptOf(a *workflowpb.PendingActivityInfo) *Attempt {
	t := &Attempt{Number: a.GetAttempt(), Why: kindOf(a.GetLastFailure())}
	if next := a.GetNextAttemptScheduleTime(); next != nil {
		t.Next = next.AsTime().Truncate(time.Second)
	}
	return t
}

// summary has the facts of the history alone.
func (s *story) summary(t target) Run {
	r := Run{
		Flow: s.flow.Kind, WorkflowID: t.workflowID, RunID: t.runID, story: s,
		State: cmp.Or(s.end.outside, string(s.state())), Open: s.end.at.IsZero(),
		Started: s.started.Truncate(time.Second), Ended: s.end.at.Truncate(time.Second),
		Mails: s.links.begun, Asked: s.asked, Withheld: string(s.links.withheld),
		Bounces: s.bounced[flow.MailBounced], Complaints: s.bounced[flow.MailComplaint],
		Failure: s.end.failure, Refused: s.end.refused, Owed: s.owes(), Sealed: s.sealed,
	}
	r.Untold = s.untold && (!r.Open || s.machine.State() == statemachine.StateCompleted)
	if r.Open && s.waiting {
		r.Expires = s.links.expires.Truncate(time.Second)
	}
	return r
}

// mailing notes the mail that Temporal has a worker try. While it is in progress the run does not
// expire.
func (r *Run) mailing(pending []*workflowpb.PendingActivityInfo) {
	for _, a := range pending {
		if a.GetActivityType().GetName() == flow.SendEmail {
			r.Expires, r.Trying = time.Time{}, attemptOf(a)
		}
	}
}
