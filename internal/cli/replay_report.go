package cli

import (
	"errors"
	"slices"
	"sync"

	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/replay"
)

// examples is how many runs of a kind are named.
const examples = 3

// report is the result of `rekey replay`. Of runs it names the IDs, of histories no payload.
type report struct {
	mu      sync.Mutex
	scope   string // the queried runs
	wanted  bool   // at least one must be there
	Partial bool   `json:"partial"` // the replay ended early

	Namespace string `json:"namespace"`
	Replayed  int    `json:"replayed"`
	Diverged  int    `json:"diverged"`
	Unjudged  int    `json:"unjudged"`
	Gone      int    `json:"gone"` // deleted meanwhile, by retention for example

	Divergences []*finding `json:"divergences"`
	Unreadable  []*finding `json:"unreadable"`
	Warnings    []*finding `json:"warnings"` // of runs that fit
}

// finding are runs that diverge, or cannot be judged, for the same reason.
type finding struct {
	Reason   string    `json:"reason"`
	Runs     int       `json:"runs"`
	Open     int       `json:"open"` // of them
	Examples []example `json:"examples"`
}

// example is one of them.
type example struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	Error      string `json:"error"`
}

func newReport(namespace, scope string) *report {
	return &report{Namespace: namespace, scope: scope, Divergences: []*finding{}, Unreadable: []*finding{}, Warnings: []*finding{}}
}

// add counts a run, with its divergence, or with the warnings of a good one.
func (r *report) add(run *workflowpb.WorkflowExecutionInfo, warnings []*replay.Divergence, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if errors.Is(err, errGone) {
		r.Gone++
		return
	}
	r.Replayed++
	var diverged *replay.Divergence
	switch {
	case err == nil:
		r.warn(run, warnings)
	case errors.As(err, &diverged):
		r.Diverged++
		r.Divergences = note(r.Divergences, diverged.Kind(), run, err)
	default:
		r.Unjudged++
		r.Unreadable = note(r.Unreadable, reason(err).Error(), run, err)
	}
}

// warn notes each kind once for a run.
func (r *report) warn(run *workflowpb.WorkflowExecutionInfo, warnings []*replay.Divergence) {
	var noted []string
	for _, w := range warnings {
		if !slices.Contains(noted, w.Kind()) {
			noted = append(noted, w.Kind())
			r.Warnings = note(r.Warnings, w.Kind(), run, w)
		}
	}
}

func reason(err error) error {
	if errors.Is(err, replay.ErrKeys) {
		return replay.ErrKeys
	}
	return replay.ErrDamaged
}

func note(findings []*finding, reason string, run *workflowpb.WorkflowExecutionInfo, err error) []*finding {
	at := slices.IndexFunc(findings, func(k *finding) bool { return k.Reason == reason })
	if at < 0 {
		at, findings = len(findings), append(findings, &finding{Reason: reason})
	}
	k := findings[at]
	k.Runs++
	if flow.Open(run.GetStatus()) {
		k.Open++
	}
	if len(k.Examples) < examples {
		k.Examples = append(k.Examples, example{run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId(), err.Error()})
	}
	return findings
}
