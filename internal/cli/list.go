package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/rekeyhq/rekey/operator"
)

// listCmd is `rekey list`. It reads only data in clear, so it needs no keys and no address.
type listCmd struct {
	Waiting string `default:"any" enum:"any,mail,store,link,event" env:"REKEY_WAITING" help:"Only runs that wait for mail, store or link, or any. Those of event are over: the application was not told yet."`
	Most    int    `default:"50" env:"REKEY_MOST" help:"Maximum number of runs: 1 to 1000."`
	flowFlag
	jsonFlag
}

// Run lists.
func (c *listCmd) Run(p *process) error {
	return p.operate(operator.Config{ReadOnly: true}, func(ctx context.Context, o *operator.Client) error {
		waiting := c.Waiting
		if waiting == "any" {
			waiting = ""
		}
		found, err := c.of(o).List(ctx, waiting, c.Most)
		if err != nil {
			return err
		}
		if c.JSON {
			return writeJSON(p.stdout, found)
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "FLOW\tWORKFLOW\tRUN\tSTARTED\tSTATE\tWAITS FOR\tATTEMPT\tNEXT\tLAST FAILURE")
		for _, r := range found {
			fmt.Fprintln(w, line(r))
		}
		return w.Flush()
	})
}

func (c *listCmd) check() error {
	if c.Most < 1 || c.Most > 1000 {
		return fmt.Errorf("--most ($REKEY_MOST): want 1 to 1000, not %d", c.Most)
	}
	return nil
}

func line(r operator.OpenRun) string {
	attempt, next, why := "-", "-", "-"
	if r.Trying != nil {
		attempt, next, why = strconv.Itoa(int(r.Trying.Number)), stamp(r.Trying.Next), cmp.Or(r.Trying.Why, why)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", r.Flow, r.WorkflowID, r.RunID, stamp(r.Started), r.State, r.Waits, attempt, next, why)
}
