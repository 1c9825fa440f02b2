package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/rekeyhq/rekey/operator"
)

// statsCmd is `rekey stats`. It reads only data in clear, so it needs no keys.
type statsCmd struct{ jsonFlag }

// Run counts.
func (c *statsCmd) Run(p *process) error {
	return p.operate(operator.Config{ReadOnly: true}, func(ctx context.Context, o *operator.Client) error {
		stats, err := o.Stats(ctx)
		if err != nil {
			return err
		}
		return statistics(stats).write(p.stdout, c.JSON)
	})
}

type statistics operator.Statistics

func (s statistics) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(out, s)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(head string, counts []operator.Count) {
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
