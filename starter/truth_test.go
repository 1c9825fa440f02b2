package starter

import (
	"errors"
	"fmt"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/statemachine"
)

// mine is the submission that a password makes with a link.
func (s *scripted) mine(t *testing.T, token, newPassword string) flow.Submission {
	t.Helper()
	l, err := s.open(link.Reset, token)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.submission(t.Context(), l, newPassword)
	if err != nil {
		t.Fatal(err)
	}
	return flow.Submission{ID: made.ID(), LinkRun: linkRun}
}

var errNoRun = status.Error(codes.NotFound, "no such run")

const otherPassword = "brass kettle under ferns"

// The answer to every holder of a link for every end of a run. One set the password, one tries
// another password, one only looks, and one cancels.
func TestEveryEndIsToldAsItIs(t *testing.T) {
	t.Parallel()
	type answers struct{ same, other, look, cancel error }
	for end, want := range map[flow.Outcome]answers{
		{State: statemachine.StatePasswordChanged}:       {nil, ErrLinkUsed, nil, ErrLinkUsed},
		{State: statemachine.StateCompleted}:             {nil, ErrLinkUsed, nil, ErrLinkUsed},
		{State: statemachine.StateRefused}:               {ErrChangeRefused, ErrChangeRefused, ErrChangeRefused, ErrChangeRefused},
		{State: statemachine.StateExpired}:               {ErrLinkExpired, ErrLinkExpired, ErrLinkExpired, ErrLinkExpired},
		{State: statemachine.StateCanceled}:              {ErrLinkCanceled, ErrLinkCanceled, ErrLinkCanceled, nil},
		{State: statemachine.StateCanceled, Ended: true}: {ErrLinkEnded, ErrLinkEnded, ErrLinkEnded, nil},
	} {
		state := end.State
		t.Run(fmt.Sprint(state, end.Ended), func(t *testing.T) {
			t.Parallel()
			s := newScripted(t)
			token := s.token(t, link.Reset, soon())
			s.run = aRun(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, state)
			s.outcome = &end
			if want.same == nil || state == statemachine.StateRefused {
				s.outcome.Accepted = s.mine(t, token, goodPassword).ID
			}
			_, looked := s.Inspect(t.Context(), token)
			for what, pair := range map[string][2]error{
				"the same password": {s.Submit(t.Context(), token, goodPassword), want.same},
				"another password":  {s.Submit(t.Context(), token, otherPassword), want.other},
				"a weak password":   {s.Submit(t.Context(), token, "aaaaaaaaaaaaaaaaaaaaaa"), want.other},
				"a look":            {looked, want.look},
				"a cancel":          {s.Cancel(t.Context(), s.token(t, link.Cancel, soon())), want.cancel},
			} {
				if !errors.Is(pair[0], pair[1]) {
					t.Errorf("%s: %v, want %v", what, pair[0], pair[1])
				}
			}
		})
	}
}

// As long as no worker decides, only the accepted submission of the run is reported as "accepted".
func TestOnlyWhatWasTakenIsPending(t *testing.T) {
	t.Parallel()
	theirs := flow.Submission{ID: "another", LinkRun: linkRun}
	for name, tc := range map[string]struct {
		run                   *workflowservice.DescribeWorkflowExecutionResponse
		history               func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent
		takes                 error
		submit, look          error
		handedIn, lookPending bool
	}{
		"taken": {
			run:     aRun(running, statemachine.StateRequested),
			history: func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent { return s.took(t, mine) },
			submit:  ErrPending, lookPending: true,
		},
		"taken, and paused": {
			run:     aRun(paused, statemachine.StateRequested),
			history: func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent { return s.took(t, mine) },
			submit:  ErrPending, lookPending: true,
		},
		"another one is taken": {
			run:     aRun(running, statemachine.StateRequested),
			history: func(s *scripted, _ flow.Submission) []*historypb.HistoryEvent { return s.took(t, theirs) },
			submit:  ErrUnavailable, lookPending: true,
		},
		"one of another run is taken": {
			run: aRun(running, statemachine.StateRequested),
			history: func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent {
				return s.took(t, flow.Submission{ID: mine.ID, LinkRun: "another run"})
			},
			submit: ErrUnavailable, look: ErrUnavailable,
		},
		"a stranger's is taken": {
			run: aRun(running, statemachine.StateRequested),
			history: func(*scripted, flow.Submission) []*historypb.HistoryEvent {
				return []*historypb.HistoryEvent{armed(5), completed(5, nil)}
			},
			submit: ErrUnavailable, look: ErrUnavailable,
		},
		"a stranger's was taken, and the wait is armed again": {
			run: aRun(running, statemachine.StateRequested),
			history: func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent {
				return append(s.took(t, mine), armed(9))
			},
			submit: ErrUnavailable, look: ErrUnavailable,
		},
		"no wait, nothing taken": {
			run: aRun(paused, statemachine.StateRequested),
			history: func(*scripted, flow.Submission) []*historypb.HistoryEvent {
				return []*historypb.HistoryEvent{armed(5)}
			},
			submit: ErrUnavailable, look: ErrUnavailable,
		},
		"Temporal does not say": {
			run:     aRun(running, statemachine.StateRequested),
			history: func(*scripted, flow.Submission) []*historypb.HistoryEvent { return nil },
			submit:  ErrUnavailable, look: ErrUnavailable,
		},
		"handed in now to a paused run": {
			run:     aRun(paused, statemachine.StateRequested, openWait()),
			history: func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent { return s.took(t, mine) },
			submit:  ErrPending, handedIn: true,
		},
		"handed in now, after another one": {
			run:     aRun(running, statemachine.StateRequested, openWait()),
			history: func(s *scripted, _ flow.Submission) []*historypb.HistoryEvent { return s.took(t, theirs) },
			submit:  ErrUnavailable, handedIn: true,
		},
		"handed in now, and Temporal goes away": {
			run:     aRun(running, statemachine.StateRequested, openWait()),
			history: func(*scripted, flow.Submission) []*historypb.HistoryEvent { return nil },
			submit:  ErrPending, handedIn: true,
		},
		"handed in now, with no answer, and Temporal goes away": {
			run:     aRun(running, statemachine.StateRequested, openWait()),
			history: func(*scripted, flow.Submission) []*historypb.HistoryEvent { return nil },
			takes:   status.Error(codes.DeadlineExceeded, "late"),
			submit:  ErrPending, handedIn: true,
		},
		"handed in now, not taken, and Temporal goes away": {
			run:     aRun(running, statemachine.StateRequested, openWait()),
			history: func(*scripted, flow.Submission) []*historypb.HistoryEvent { return nil },
			takes:   errNoRun,
			submit:  ErrUnavailable, handedIn: true,
		},
		"handed in now, not taken a second time": {
			run:     aRun(running, statemachine.StateRequested, openWait()),
			history: func(s *scripted, mine flow.Submission) []*historypb.HistoryEvent { return s.took(t, mine) },
			takes:   errNoRun,
			submit:  ErrPending, handedIn: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t)
			token := s.token(t, link.Reset, soon())
			s.run, s.takes = tc.run, tc.takes
			s.history = tc.history(s, s.mine(t, token, goodPassword))
			if err := s.Submit(t.Context(), token, goodPassword); !errors.Is(err, tc.submit) {
				t.Errorf("submission: %v, want %v", err, tc.submit)
			}
			if handedIn := len(s.calls) > 0; handedIn != tc.handedIn {
				t.Errorf("handed in: %v", s.calls)
			}
			got, err := s.Inspect(t.Context(), token)
			if !errors.Is(err, tc.look) || (got.State == LinkPending && err == nil) != tc.lookPending {
				t.Errorf("look: %+v, %v, want %v", got, err, tc.look)
			}
		})
	}
}

// A cancel that no run accepted is not reported as in progress.
func TestOnlyWhatWasTakenIsBeingCanceled(t *testing.T) {
	t.Parallel()
	s := newScripted(t)
	s.run = aRun(running, statemachine.StateRequested)
	token := s.token(t, link.Cancel, soon())
	if err := s.Cancel(t.Context(), token); !errors.Is(err, ErrPending) {
		t.Errorf("taken: %v, want %v", err, ErrPending)
	}
	s.takes = errNoRun
	if err := s.Cancel(t.Context(), token); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrPending) {
		t.Errorf("not taken: %v, want %v", err, ErrUnavailable)
	}
}

const linkLife = 30 * time.Minute

// A request soon after another one looks at the run. A run that waits for a good link needs no
// signal. Any other gets one signal, because another run may have to follow.
func TestRepeatsLookAtTheRun(t *testing.T) {
	t.Parallel()
	begun := func(events int64) *workflowservice.DescribeWorkflowExecutionResponse {
		run := aRun(running, statemachine.StateRequested)
		run.WorkflowExecutionInfo.HistoryLength = events
		return run
	}
	aged := func(age time.Duration) *workflowservice.DescribeWorkflowExecutionResponse {
		run := waitingRun()
		run.WorkflowExecutionInfo.StartTime = timestamppb.New(time.Now().Add(-age))
		return run
	}
	for name, tc := range map[string]struct {
		run  *workflowservice.DescribeWorkflowExecutionResponse
		told bool
	}{
		"waits, younger than a link":         {aged(linkLife - time.Minute), false},
		"waits, as old as a link":            {aged(linkLife), true},
		"waits":                              {waitingRun(), false},
		"waits, paused":                      {aRun(paused, statemachine.StateRequested, openWait()), false},
		"not begun":                          {begun(3), false},
		"begun, with a password":             {begun(12), true},
		"changed, and the notice is due":     {aRun(running, statemachine.StateRequested), true},
		"canceled, and still lists a wait":   {aRun(running, statemachine.StateCanceled, openWait()), true},
		"completed, and another is told":     {aRun(running, statemachine.StateCompleted), true},
		"over":                               {aRun(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, statemachine.StateCanceled, openWait()), true},
		"ended from outside, lists its wait": {aRun(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, statemachine.StateRequested, openWait()), true},
		"gone":                               {nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t)
			now := time.Now()
			s.cfg.Now, s.cfg.LinkLife = func() time.Time { return now }, linkLife
			s.run = tc.run
			for range 5 {
				if err := s.Request(t.Context(), "ada@example.com"); err != nil {
					t.Fatal(err)
				}
			}
			want := 1
			if tc.told {
				want = 2
				if !flow.Open(tc.run.GetWorkflowExecutionInfo().GetStatus()) || tc.run == nil {
					want = 5 // each would start a run, if there were a server
				}
			}
			if len(s.calls) != want {
				t.Errorf("told %d times, want %d", len(s.calls), want)
			}
		})
	}
}

// A run that got a repeat while it waited gets one more when it waits no longer. It answers now
// the request that it passed over.
func TestRepeatAfterTheRunWaits(t *testing.T) {
	t.Parallel()
	s := newScripted(t)
	now := time.Now().Add(linkLife + time.Minute)
	s.cfg.Now, s.cfg.LinkLife = func() time.Time { return now }, linkLife
	for i, run := range []*workflowservice.DescribeWorkflowExecutionResponse{
		waitingRun(), waitingRun(), waitingRun(), aRun(running, statemachine.StateRequested), aRun(running, statemachine.StateRequested),
	} {
		s.run = run
		if err := s.Request(t.Context(), "ada@example.com"); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, 2, 2, 3, 3}[i]; len(s.calls) != want {
			t.Errorf("after %d requests: told %d times, want %d", i+1, len(s.calls), want)
		}
	}
}
