package operator

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// Count is a line of the statistics.
type Count struct {
	Name string `json:"name"`
	Runs int64  `json:"runs"`

	condition string
}

// Statistics count the runs that Temporal keeps.
type Statistics struct {
	Open    []Count `json:"open"`    // by age
	Waiting []Count `json:"waiting"` // open ones that are kept waiting, for minutes
	Ended   []Count `json:"ended"`   // by how, within the namespace's retention
}

// Stats counts resets by age, by the reason of a wait and by their end. It needs no key.
// Visibility, its source, may be some seconds behind. Errors: flow.ErrNotSetUp.
func (c *Client) Stats(ctx context.Context) (Statistics, error) {
	stats := questions(time.Now())
	for _, counts := range [][]Count{stats.Open, stats.Waiting, stats.Ended} {
		for i := range counts {
			answer, err := c.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
				Namespace: c.namespace, Query: c.runs(counts[i].condition),
			})
			if err != nil {
				return Statistics{}, visibility("count runs", err)
			}
			counts[i].Runs = answer.GetCount()
		}
	}
	return stats, nil
}

// questions are the counts with their conditions: one for each state, because Temporal groups
// by few attributes and by no custom one.
func questions(now time.Time) Statistics {
	hour, day := now.Add(-time.Hour).UTC().Format(time.RFC3339), now.Add(-24*time.Hour).UTC().Format(time.RFC3339)
	const open = flow.OpenRuns + " AND "
	s := Statistics{Open: []Count{
		{Name: "younger than 1 h", condition: open + fmt.Sprintf("StartTime > '%s'", hour)},
		{Name: "1 h to 24 h", condition: open + fmt.Sprintf("StartTime <= '%s' AND StartTime > '%s'", hour, day)},
		{Name: "older than 24 h", condition: open + fmt.Sprintf("StartTime <= '%s'", day)},
	}, Waiting: []Count{
		{Name: "for a mail server", condition: open + stateIs(flow.WaitingForMail)},
		{Name: "for the store", condition: open + stateIs(flow.WaitingForStore)},
	}}
	for _, state := range []statemachine.State{
		statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused,
	} {
		s.Ended = append(s.Ended, Count{
			Name: string(state), condition: "ExecutionStatus IN ('Completed', 'ContinuedAsNew') AND " + stateIs(state),
		})
	}
	for _, from := range []struct{ name, status string }{
		{Terminated, "Terminated"}, {Failed, "Failed"}, {TimedOut, "TimedOut"}, {CanceledFromOutside, "Canceled"},
	} {
		s.Ended = append(s.Ended, Count{Name: from.name, condition: fmt.Sprintf("ExecutionStatus = '%s'", from.status)})
	}
	return s
}
