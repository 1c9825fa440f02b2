package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

// statsCmd is `rekey stats`. It reads nothing that is sealed, so it needs no keys.
type statsCmd struct{ jsonFlag }

// count is a line of the statistics.
type count struct {
	Name string `json:"name"`
	Runs int64  `json:"runs"`

	query string
}

// statistics count the runs that Temporal keeps.
type statistics struct {
	Open    []count `json:"open"`    // by age
	Waiting []count `json:"waiting"` // those of the open ones that are kept waiting, for minutes
	Ended   []count `json:"ended"`   // by how, within the namespace's retention
}

// Run counts. Visibility, which it asks, may be some seconds behind.
func (c *statsCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	temporal, namespace, err := p.dial(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	stats := questions(time.Now())
	for _, counts := range [][]count{stats.Open, stats.Waiting, stats.Ended} {
		for i := range counts {
			if err := counts[i].ask(ctx, temporal, namespace, p.queue); err != nil {
				return err
			}
		}
	}
	return stats.write(p, c.JSON)
}

// questions are the counts with their queries: one for each state, because Temporal groups
// by few attributes and by none of ours.
func questions(now time.Time) statistics {
	hour, day := now.Add(-time.Hour).UTC().Format(time.RFC3339), now.Add(-24*time.Hour).UTC().Format(time.RFC3339)
	const open = workflow.OpenRuns + " AND "
	s := statistics{Open: []count{
		{Name: "younger than 1 h", query: open + fmt.Sprintf("StartTime > '%s'", hour)},
		{Name: "1 h to 24 h", query: open + fmt.Sprintf("StartTime <= '%s' AND StartTime > '%s'", hour, day)},
		{Name: "older than 24 h", query: open + fmt.Sprintf("StartTime <= '%s'", day)},
	}, Waiting: []count{
		{Name: "for a mail server", query: open + stateIs(workflow.WaitingForMail)},
		{Name: "for the store", query: open + stateIs(workflow.WaitingForStore)},
	}}
	for _, state := range []statemachine.State{
		statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused,
	} {
		s.Ended = append(s.Ended, count{
			Name:  string(state),
			query: "ExecutionStatus IN ('Completed', 'ContinuedAsNew') AND " + stateIs(state),
		})
	}
	for _, from := range []struct{ name, status string }{
		{"terminated", "Terminated"}, {"failed", "Failed"}, {"timed out", "TimedOut"}, {"canceled from outside", "Canceled"},
	} {
		s.Ended = append(s.Ended, count{Name: from.name, query: fmt.Sprintf("ExecutionStatus = '%s'", from.status)})
	}
	return s
}

// stateIs is the condition for runs of a state, as the search attribute has it.
func stateIs(s statemachine.State) string {
	return fmt.Sprintf("%s = '%s'", workflow.StateAttribute.GetName(), s)
}

func (c *count) ask(ctx context.Context, temporal client.Client, namespace, queue string) error {
	answer, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: namespace, Query: fmt.Sprintf("WorkflowType = '%s' AND %s AND %s", workflow.Name, workflow.InQueue(queue), c.query),
	})
	if errors.As(err, new(*serviceerror.InvalidArgument)) { // it does not know the attribute
		return fmt.Errorf("count runs: %w: %w", worker.ErrNotSetUp, err)
	}
	c.Runs = answer.GetCount()
	return err
}

func (s statistics) write(p *process, asJSON bool) error {
	if asJSON {
		return writeJSON(p.stdout, s)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	line := func(head string, counts []count) {
		fmt.Fprintf(w, "%s\tRUNS\n", head)
		for _, c := range counts {
			fmt.Fprintf(w, "%s\t%d\n", c.Name, c.Runs)
		}
	}
	line("OPEN", s.Open)
	fmt.Fprintln(w)
	line("WAITING", s.Waiting)
	fmt.Fprintln(w)
	line("ENDED", s.Ended)
	return w.Flush()
}
