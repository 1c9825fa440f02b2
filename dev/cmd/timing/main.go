// Command timing measures whether the time of an answer tells who has an account. It
// runs the whole product and asks, in pairs, for an account and for nobody, in every
// situation that could make a difference.
//
// security 2.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/rekeyhq/rekey/internal/usage"
)

// most is how far from a coin's 0.5 an attacker's guess may be.
const most = 0.05

type cli struct {
	Pairs int `default:"500" help:"Pairs of requests in each situation."`
}

func main() {
	var c cli
	usage.Parse(&c, "timing", "Does the time of an answer tell who has an account?")
	if c.Pairs < 1 {
		usage.Exit("timing", usage.Mark(fmt.Errorf("--pairs: want 1 or more, not %d", c.Pairs)))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	told, err := c.run(ctx)
	stop()
	switch {
	case err != nil:
		usage.Exit("timing", usage.Mark(err)) // 1 is for a time that tells
	case told:
		os.Exit(usage.Failed)
	}
}

// run measures all scenarios and reports whether one of them tells something.
func (c *cli) run(ctx context.Context) (told bool, err error) {
	w := tabwriter.NewWriter(os.Stdout, 36, 0, 2, ' ', 0)
	fmt.Fprintf(w, "situation\tpairs\taccount\tnobody\tAUC\n")
	for _, s := range scenarios() {
		r, err := s.judge(ctx, c.Pairs)
		if err != nil {
			return false, err
		}
		verdict := ""
		if !r.even() {
			told, verdict = true, "  tells more than it may"
		}
		fmt.Fprintf(w, "%s\t%d\t%v\t%v\t%.3f%s\n", s.name, len(r.known),
			median(r.known).Round(time.Microsecond), median(r.unknown).Round(time.Microsecond), r.auc(), verdict)
		if err := w.Flush(); err != nil {
			return false, err
		}
	}
	return told, nil
}

// tries is how often a scenario is measured until all its samples together are even. Of 500
// pairs that are alike one sample in 160 misses by chance (the AUC's standard deviation is
// 0.018), of 1,500 one in half a million (0.011).
const tries = 3

// judge measures a scenario.
func (s scenario) judge(ctx context.Context, pairs int) (all samples, err error) {
	for range tries {
		more, err := measure(ctx, s, pairs)
		if err != nil {
			return all, fmt.Errorf("%s: %w", s.name, err)
		}
		all.known = append(all.known, more.known...)
		all.unknown = append(all.unknown, more.unknown...)
		if all.even() {
			break
		}
	}
	return all, nil
}
