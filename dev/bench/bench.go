package main

import (
	"fmt"
	"io"
	"math"
)

// bench is one measurement.
type bench struct {
	scale    float64 // of every number of repetitions
	profiles string  // folder for CPU profiles; empty keeps none
	chart    string  // file for a picture of the resets; empty draws none
	progress io.Writer
	aims     *table
}

func newAims() *table {
	return &table{Title: "Aims", Columns: []string{"what", "wanted", "got", "met"}}
}

// rounds is in how many batches something is measured, in turns with what it is compared
// with: what else the machine does meets both.
const rounds = 4

// say shows that something goes on.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.progress, format+"\n", args...) }

// scaled is a number of repetitions, at least one.
func (b *bench) scaled(n int) int { return max(1, int(math.Round(float64(n)*b.scale))) }

// batch is how many of n repetitions are in each round.
func (b *bench) batch(n int) int { return (b.scaled(n) + rounds - 1) / rounds }

func (b *bench) least(what string, got, want float64) {
	b.aim(what, fmt.Sprintf("at least %g", want), got, got >= want)
}

func (b *bench) most(what string, got, want float64) {
	b.aim(what, fmt.Sprintf("at most %g", want), got, got <= want)
}

func (b *bench) aim(what, wanted string, got float64, met bool) {
	b.aims.add(what, wanted, got, map[bool]string{true: "yes", false: "no"}[met])
}

// warmed does something in rounds. What the first one gives is forgotten: it warms caches and
// makes connections.
func (b *bench) warmed(what string, kept []*batches, do func(round int) error) error {
	for round := range rounds + 1 {
		b.say("%s, batch %d of %d", what, round, rounds)
		if round == 1 {
			for _, k := range kept {
				*k = batches{}
			}
		}
		if err := do(round); err != nil {
			return err
		}
	}
	return nil
}

// inTurn does things one after the other, every second time the other way round, so that
// none always follows the same one.
func inTurn(round int, do ...func() error) error {
	for i := range do {
		if round%2 == 1 {
			i = len(do) - 1 - i
		}
		if err := do[i](); err != nil {
			return err
		}
	}
	return nil
}
