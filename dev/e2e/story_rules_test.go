package e2e

import (
	"cmp"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// recordedRun is a run that is over, and its outcome.
type recordedRun struct {
	*historypb.History

	outcome flow.Outcome
	goesOn  bool // it continued as another run
	failed  bool
}

// rule is something that makes a run the run of a story.
type rule struct {
	what  string
	holds func(*recordedRun) bool
}

var errOtherStory = errors.New("what was recorded is another story")

func (r storyRun) check(got *recordedRun) error {
	for _, rule := range r.rules {
		if !rule.holds(got) {
			return fmt.Errorf("%s: want %s: %w", r.name, rule.what, errOtherStory)
		}
	}
	return nil
}

// readRun decodes how a run ended.
func readRun(h *historypb.History, codec *keys.Codec) (*recordedRun, error) {
	r := &recordedRun{History: h}
	data := keys.DataConverter(codec)
	last := h.GetEvents()[len(h.GetEvents())-1]
	switch last.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		return r, data.FromPayloads(last.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &r.outcome)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		in := flow.Request{Previous: &r.outcome}
		r.goesOn = true
		return r, data.FromPayloads(last.GetWorkflowExecutionContinuedAsNewEventAttributes().GetInput(), &in)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		r.failed = true
		return r, nil
	default:
		return nil, fmt.Errorf("the run ends with %s", last.GetEventType())
	}
}

func ends(s statemachine.State) rule {
	return rule{"the end " + string(s), func(r *recordedRun) bool { return r.outcome.State == s && !r.goesOn }}
}

func continued(s statemachine.State) rule {
	return rule{"the end " + string(s) + " and another run", func(r *recordedRun) bool { return r.outcome.State == s && r.goesOn }}
}

var fails = rule{"a failure", func(r *recordedRun) bool { return r.failed }}

// not is a run that another rule does not fit.
func not(other rule) rule {
	return rule{"not " + other.what, func(r *recordedRun) bool { return !other.holds(r) }}
}

func withheld(reason flow.Reason) rule {
	return rule{fmt.Sprintf("the mail withheld for %q", reason), func(r *recordedRun) bool { return r.outcome.Withheld == reason }}
}

var saysWhy = rule{"a reason for the refusal", func(r *recordedRun) bool { return r.outcome.Refused != "" }}

func mails(n int) rule {
	return rule{fmt.Sprint("mails: ", n), func(r *recordedRun) bool { return r.outcome.Mails == n }}
}

func has(what string, kind enumspb.EventType) rule {
	return rule{what, func(r *recordedRun) bool { return count(r.History, kind) > 0 }}
}

var (
	fires           = has("a timer that fires", enumspb.EVENT_TYPE_TIMER_FIRED)
	asksVersion     = has("a version", enumspb.EVENT_TYPE_MARKER_RECORDED)
	stopsMail       = has("a mail that is stopped", enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED)
	cancelRequested = has("a cancel in Temporal", enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)
)

var continues = rule{"a run that continues another", func(r *recordedRun) bool {
	return r.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId() != ""
}}

func signals(name string, n int) rule {
	return rule{fmt.Sprintf("signals %s: %d", name, n), func(r *recordedRun) bool {
		got := 0
		for _, e := range r.GetEvents() {
			if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == name {
				got++
			}
		}
		return got == n
	}}
}

// nothingElse is a reset in which nothing but a reset happens.
var nothingElse = rule{"no event but those of an undisturbed reset", func(r *recordedRun) bool {
	want := map[enumspb.EventType]int{
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:          1,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:         1,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:             4,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED:               4,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:             4,
		enumspb.EVENT_TYPE_TIMER_STARTED:                       1,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:  1,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: 1,
		enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:   1,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:        1,
		enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:             count(r.History, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
		enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:               count(r.History, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
		enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:             count(r.History, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED),
	}
	total := 0
	for kind, n := range want {
		if count(r.History, kind) != n {
			return false
		}
		total += n
	}
	return total == len(r.GetEvents()) && undisturbed(r.History)
}}

func undisturbed(h *historypb.History) bool {
	for _, e := range h.GetEvents() {
		if e.GetActivityTaskStartedEventAttributes().GetAttempt() > 1 {
			return false
		}
	}
	return true
}

// twins are runs whose histories differ in nothing that is in clear. They differ in the used
// link of two, the requests after the end, or the claims of an attacker. The stories themselves
// check that.
var twins = map[string]string{
	"late-double-submission": "happy", "happy": "late-double-submission",
	"resent-first-link": "resent-second-link", "resent-second-link": "resent-first-link",
	"invitation-declined": "invitation-withdrawn", "invitation-withdrawn": "invitation-declined",
	"verdict-of-another-run": "stranger-completes-change", "stranger-completes-change": "verdict-of-another-run",
}

// flow is the workflow type of a run.
func (r *recordedRun) flow() string {
	return r.History.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
}

func allRuns() (all []storyRun) {
	for _, s := range sets() {
		for _, story := range s.stories {
			all = append(all, story.runs...)
		}
	}
	return all
}

// apart is an error when the rules of a run do not fit it, or fit another one.
func apart(runs map[string]*recordedRun) error {
	for _, r := range allRuns() {
		for name, got := range runs {
			if cmp.Or(r.flow, workflow.ResetPassword.Name) != got.flow() {
				continue // the type of a run tells it apart
			}
			same := name == r.name || name == twins[r.name]
			if err := r.check(got); same != (err == nil) {
				return fmt.Errorf("the rules of %s, applied to %s: %w", r.name, name, errors.Join(err, errOtherStory))
			}
		}
	}
	return nil
}
