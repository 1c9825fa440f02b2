package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// CPU time goes to the first package of the list that a stack is in, however deep.
func TestSpentIn(t *testing.T) {
	t.Parallel()
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	for _, seen := range []struct {
		stack []string
		spent time.Duration
	}{
		{[]string{"runtime.memmove", "golang.org/x/crypto/argon2.IDKey", "github.com/rekeyhq/rekey/password.Params.Hash"}, time.Second},
		{[]string{"github.com/rekeyhq/rekey/password.Policy.Strength"}, 2 * time.Second},
		{[]string{"net/http.(*conn).serve"}, 4 * time.Second},
	} {
		sample := &profile.Sample{Value: []int64{1, int64(seen.spent)}}
		for _, name := range seen.stack {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
			p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			sample.Location = append(sample.Location, l)
		}
		p.Sample = append(p.Sample, sample)
	}
	var raw bytes.Buffer
	if err := p.Write(&raw); err != nil {
		t.Fatal(err)
	}
	spent, err := spentIn(raw.Bytes(), argon, passwords)
	if err != nil || spent[argon] != time.Second || spent[passwords] != 2*time.Second {
		t.Errorf("%v, %v", spent, err)
	}
}
