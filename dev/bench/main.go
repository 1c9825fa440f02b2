// Command bench measures how fast rekey is, side by side with what Temporal, bbolt and
// net/http do by themselves in the same minutes on the same machine. Times differ from
// machine to machine; the ratios can be compared.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/rekeyhq/rekey/internal/signals"
	commandline "github.com/rekeyhq/rekey/internal/usage" // usage is what a process takes, here
)

type cli struct {
	Parts    []string `arg:"" optional:"" placeholder:"PART" help:"What to measure: ${parts}. Without it all but open, which takes twenty minutes of its own."`
	Scale    float64  `default:"1" help:"Multiplies every number of repetitions; 0.05 shows in a minute whether all of it works."`
	JSON     bool     `name:"json" help:"Write JSON, for programs."`
	Chart    string   `type:"path" placeholder:"FILE.svg" help:"Draw the resets per second as a picture."`
	Profiles string   `type:"existingdir" placeholder:"DIR" help:"Keep CPU profiles of all processes in this folder, for go tool pprof."`
}

// measurement is a part of the benchmark.
type measurement struct {
	name string
	run  func(*bench, context.Context) ([]*table, error)
}

func measurements() []measurement {
	return []measurement{
		{"resets", (*bench).resets},
		{"edge", (*bench).edge},
		{"hashing", (*bench).hashing},
		{"replay", (*bench).replays},
		{"store", (*bench).stores},
		{long, (*bench).open},
	}
}

// long is measured only when it is asked for.
const long = "open"

func names() (all []string) {
	for _, m := range measurements() {
		all = append(all, m.name)
	}
	return all
}

func main() {
	testing.Init() // some measurements are benchmarks of package testing
	var err error
	if text, ok := os.LookupEnv(roleEnv); ok {
		err = play(text)
	} else {
		var c cli
		commandline.Parse(&c, "bench", "How fast is rekey?", kong.Vars{"parts": strings.Join(names(), ", ")})
		err = c.run(signals.Context(), os.Stdout, os.Stderr)
	}
	commandline.Exit("bench", err)
}

func (c *cli) run(ctx context.Context, stdout, progress io.Writer) error {
	if err := c.check(); err != nil {
		return commandline.Mark(err)
	}
	b := &bench{scale: c.Scale, profiles: c.Profiles, chart: c.Chart, progress: progress, aims: newAims()}
	all := []*table{machine()}
	var failed error
	for _, m := range measurements() {
		if !slices.Contains(c.Parts, m.name) {
			continue
		}
		found, err := m.run(b, ctx)
		all = append(all, found...)
		if err != nil {
			failed = fmt.Errorf("%s: %w", m.name, err)
			break
		}
	}
	return errors.Join(failed, c.write(stdout, append(all, b.aims)))
}

// check completes the parts and says what is wrong with the rest.
func (c *cli) check() error {
	for _, part := range c.Parts {
		if !slices.Contains(names(), part) {
			return fmt.Errorf("there is no part %q; there are %s", part, strings.Join(names(), ", "))
		}
	}
	if len(c.Parts) == 0 {
		c.Parts = slices.DeleteFunc(names(), func(name string) bool { return name == long })
	}
	switch {
	case !(c.Scale > 0 && c.Scale <= 10):
		return errors.New("--scale: want more than 0 and at most 10")
	case c.Chart != "" && filepath.Ext(c.Chart) != ".svg":
		return errors.New("--chart: want a name that ends with .svg")
	case c.Chart != "" && !slices.Contains(c.Parts, "resets"):
		return errors.New("--chart is of the part resets: measure that too")
	}
	return nil
}

func (c *cli) write(w io.Writer, all []*table) error {
	if c.JSON {
		return json.NewEncoder(w).Encode(all)
	}
	for _, t := range all {
		if _, err := fmt.Fprintf(w, "%s\n", t); err != nil {
			return err
		}
	}
	return nil
}

// machine says where the figures are from.
func machine() *table {
	t := &table{Title: "Measured on", Columns: []string{"cores", "Go", "system"}}
	t.add(runtime.NumCPU(), runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return t
}
