package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rekeyhq/rekey/operator"
)

// statsCmd is `rekey stats`. It reads only data in clear, so it needs no keys.
type statsCmd struct {
	flowFlag
	jsonFlag
}

// Run counts.
func (c *statsCmd) Run(p *process) error {
	return p.operate(operator.Config{ReadOnly: true}, func(ctx context.Context, o *operator.Client) error {
		stats, err := c.of(o).Stats(ctx)
		if err != nil {
			return err
		}
		return statistics(stats).write(p.stdout, c.JSON)
	})
}

type statistics operator.Statistics

// flows are those that were counted, in the order of all flows.
func (s statistics) flows() []string {
	return slices.DeleteFunc(kinds(), func(kind string) bool {
		_, counted := s.Open[0].Flows[kind]
		return !counted
	})
}

func (s statistics) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(out, s)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	flows := s.flows()
	line := func(head string, counts []operator.Count) {
		fmt.Fprintf(w, "%s\tRUNS\t%s\n", head, strings.ToUpper(strings.Join(flows, "\t")))
		for _, c := range counts {
			fmt.Fprintf(w, "%s\t%d", c.Name, c.Runs)
			for _, kind := range flows {
				fmt.Fprintf(w, "\t%d", c.Flows[kind])
			}
			fmt.Fprintln(w)
		}
	}
	line("OPEN", s.Open)
	fmt.Fprintln(w)
	line("WAITING", s.Waiting)
	fmt.Fprintln(w)
	line("ENDED", s.Ended)
	return w.Flush()
}
