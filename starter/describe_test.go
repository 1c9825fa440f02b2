package starter

import (
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// Only texts that are the same for all runs leave a client in clear.
func TestOnlyPublicTextsAreInClear(t *testing.T) {
	t.Parallel()
	codec, err := newFilter(t).cfg.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	data := Describing(codec.ClientOptions(client.Options{})).DataConverter
	for _, test := range []struct {
		value  any
		sealed bool
	}{
		{flow.Summary, false},
		{flow.Details, false},
		{flow.FinishSummary, false},
		{"ann@example.com", true},
		{flow.Summary + " ", true},
		{flow.Request{Address: flow.Summary}, true},
		{[]string{flow.Summary}, true},
	} {
		p, err := data.ToPayload(test.value)
		if err != nil || keys.IsSealed(p) != test.sealed {
			t.Errorf("%v: sealed %v, want %v (%v)", test.value, keys.IsSealed(p), test.sealed, err)
		}
		all, err := data.ToPayloads(test.value) // the input of a run or a signal
		if err != nil || !keys.IsSealed(all.GetPayloads()[0]) {
			t.Errorf("%v as an input: sealed %v, want true (%v)", test.value, keys.IsSealed(all.GetPayloads()[0]), err)
		}
	}
}
