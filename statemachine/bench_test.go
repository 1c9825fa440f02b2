package statemachine_test

import (
	"testing"

	"github.com/rekeyhq/rekey/statemachine"
)

// BenchmarkMachine walks the happy path once, from a new machine.
func BenchmarkMachine(b *testing.B) {
	path := []statemachine.Event{
		statemachine.LinkSent, statemachine.TokenSubmitted, statemachine.PasswordChanged, statemachine.NoticeSent,
	}
	b.ReportAllocs()
	for b.Loop() {
		m := statemachine.New(statemachine.Reset)
		for _, e := range path {
			if err := m.Fire(e); err != nil {
				b.Fatal(err)
			}
		}
	}
}
