package operator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// Count is a line of the statistics.
type Count struct {
	Name  string           `json:"name"`
	Runs  int64            `json:"runs"`  // of all flows
	Flows map[string]int64 `json:"flows"` // by flow.Definition.Kind

	condition string
}

// Statistics count the runs that Temporal keeps.
type Statistics struct {
	Open    []Count `json:"open"`    // by age
	Waiting []Count `json:"waiting"` // open ones that are kept waiting, for minutes
	Ended   []Count `json:"ended"`   // by how, within the namespace's retention
}

// Stats counts runs by age, by the reason of a wait and by their end, of each flow. It needs no key.
// Visibility, its source, may be some seconds behind. Errors: flow.ErrNotSetUp.
func (c *Client) Stats(ctx context.Context) (Statistics, error) {
	stats := c.questions(time.Now())
	for _, counts := range [][]Count{stats.Open, stats.Waiting, stats.Ended} {
		for i := range counts {
			if err := c.count(ctx, &counts[i]); err != nil {
				return Statistics{}, visibility("count runs", err)
			}
		}
	}
	return stats, nil
}

// count asks for each flow: Temporal groups by no type.
func (c *Client) count(ctx context.Context, of *Count) error {
	of.Flows = map[string]int64{}
	for _, d := range c.flows() {
		answer, err := c.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: c.namespace, Query: flow.OfType(d.Name) + c.inQueue(of.condition),
		})
		if err != nil {
			return err
		}
		of.Flows[d.Kind] = answer.GetCount()
		of.Runs += answer.GetCount()
	}
	return nil
}

// ends are the final states of the client's flows.
func (c *Client) ends() []statemachine.State {
	all := []statemachine.State{
		statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused,
	}
	for _, d := range c.flows() {
		for _, s := range d.Table.States() {
			if d.Table.Final(s) && !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// questions are the counts with their conditions: one for each state, because Temporal groups
// by few attributes and by no custom one.
func (c *Client) questions(now time.Time) Statistics {
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
	for _, state := range c.ends() {
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
