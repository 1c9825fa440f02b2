package keys_test

import (
	"errors"
	"slices"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/keys"
)

// seed is a payload: its encoding and its data.
type seed struct {
	encoding string
	data     []byte
}

// seeds are where fuzzing begins: payloads that were sealed once, and their near misses.
func seeds(tb testing.TB) map[string]seed {
	tb.Helper()
	_, v := frozen(tb)
	const name = "binary/rekey-v1"
	p := v.Payloads["primary"]
	return map[string]seed{
		"primary":        {name, p},
		"older":          {name, v.Payloads["older"]},
		"newer":          {name, v.Payloads["newer"]},
		"retired":        {name, v.Payloads["retired"]},
		"made-up":        {name, madeUp(p)},
		"empty":          {name, nil},
		"tag":            {name, p[:tagLen]},
		"tag-and-prefix": {name, p[:tagLen+5]},
		"no-tag":         {name, p[tagLen:]},
		"longer":         {name, append(slices.Clone(p), 0)},
		"in-clear":       {"json/plain", []byte(`"text"`)},
		"no-encoding":    {"", p},
		"submission":     {name, v.Submissions["primary"]},
	}
}

func TestSeedCorpus(t *testing.T) {
	for name, s := range seeds(t) {
		golden.Seed(t, "FuzzDecode", name, s.encoding, s.data)
	}
}

// FuzzDecode: only sealed payloads open, only one of the newer key is worth waiting for, and
// everything else is foreign.
func FuzzDecode(f *testing.F) {
	dir, v := frozen(f)
	c := codec(f, dir)
	age := map[string]string{}
	for name, data := range v.Payloads {
		age["binary/rekey-v1"+string(data)] = name
	}
	f.Fuzz(func(t *testing.T, encoding string, data []byte) {
		p := &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)}, Data: data}
		opened, err := c.Decode([]*commonpb.Payload{p})
		want := keys.ErrForeign
		switch age[encoding+string(data)] {
		case "primary", "older":
			want = nil
		case "newer":
			want = keys.ErrUnknownKey
		}
		if !errors.Is(err, want) || (err == nil) != (len(opened) == 1) {
			t.Errorf("%d payloads, %v, not %v", len(opened), err, want)
		}
	})
}

// A Message-ID that opens is one that was sealed: it is the same again.
func FuzzMessageID(f *testing.F) {
	dir := newKeys(f)
	m, err := open(dir).MessageIDs("default")
	check(f, err)
	id, err := m.Seal(linkMail)
	check(f, err)
	f.Add(id)
	f.Add("<" + id + "@example.com>")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := m.Open(text)
		if err != nil {
			return
		}
		if l != linkMail {
			t.Errorf("%q opens as %+v", text, l)
		}
	})
}
