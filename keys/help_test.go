package keys_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/keys"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// value is the result of a method of a Dir.
func value[T any](tb testing.TB, v T, err error) T {
	tb.Helper()
	check(tb, err)
	return v
}

// newKeys makes a folder of production keysets.
func newKeys(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "keys")
	check(tb, keys.Create(dir, false))
	return dir
}

// clone is the folder as another process has it: later changes of the first one do not reach
// it.
func clone(tb testing.TB, dir string) string {
	tb.Helper()
	other := tb.TempDir()
	for _, u := range keys.Uses() {
		raw, err := os.ReadFile(file(dir, u))
		check(tb, err)
		check(tb, os.WriteFile(file(other, u), raw, 0o600))
	}
	return other
}

func file(dir string, u keys.Use) string { return filepath.Join(dir, string(u)+".json") }

func open(dir string) keys.Dir { return keys.Open(dir, keys.AllowDev) }

func codec(tb testing.TB, dir string) *keys.Codec {
	tb.Helper()
	c, err := open(dir).Payload()
	return value(tb, c, err)
}

func sealer(tb testing.TB, dir string) *keys.Sealer {
	tb.Helper()
	s, err := open(dir).SubmissionSealer()
	return value(tb, s, err)
}

func opener(tb testing.TB, dir string) *keys.Opener {
	tb.Helper()
	o, err := open(dir).SubmissionOpener()
	return value(tb, o, err)
}

// promoteNew is a rotation without its last step.
func promoteNew(tb testing.TB, dir string, u keys.Use) (id uint32) {
	tb.Helper()
	id, err := keys.Add(dir, u)
	check(tb, err)
	check(tb, keys.Promote(dir, u, id))
	return id
}

// primary is the key that seals.
func primary(tb testing.TB, dir string, u keys.Use) uint32 {
	tb.Helper()
	for _, k := range info(tb, dir, u).Keys {
		if k.Primary {
			return k.ID
		}
	}
	tb.Fatalf("%s has no primary key", u)
	return 0
}

func info(tb testing.TB, dir string, u keys.Use) keys.Info {
	tb.Helper()
	infos, err := keys.List(dir)
	check(tb, err)
	for _, i := range infos {
		if i.Use == u {
			return i
		}
	}
	tb.Fatalf("%s is not listed", u)
	return keys.Info{}
}

// inClear is a payload of a client without rekey's codec.
func inClear(tb testing.TB, v any) *commonpb.Payload {
	tb.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(v)
	return value(tb, p, err)
}

// seal is the data of a sealed text.
func seal(tb testing.TB, c *keys.Codec, text string) []byte {
	tb.Helper()
	sealed, err := c.Encode([]*commonpb.Payload{inClear(tb, text)})
	check(tb, err)
	return sealed[0].Data
}

// ours is a payload with rekey's encoding and any data.
func ours(data []byte) *commonpb.Payload {
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte("binary/rekey-v1")},
		Data:     data,
	}
}

func decode(c *keys.Codec, p *commonpb.Payload) (string, error) {
	opened, err := c.Decode([]*commonpb.Payload{p})
	if err != nil {
		return "", err
	}
	var text string
	return text, converter.GetDefaultDataConverter().FromPayload(opened[0], &text)
}

const run = "reset/0123456789abcdef0123456789abcdef/run"

func newPassword() keys.NewPassword {
	return keys.NewPassword{
		Hash:     "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
		Digest:   [32]byte{1, 2, 3},
		Accepted: time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC),
	}
}

// ages is a deployment that has rotated, with a payload of each age. Their keys are a retired
// one, one that only opens, the primary one, and a later one that this process lacks.
type ages struct {
	dir         string
	payloads    map[string][]byte
	submissions map[string][]byte
}

func newAges(tb testing.TB, dir string) ages {
	tb.Helper()
	a := ages{dir: dir, payloads: map[string][]byte{}, submissions: map[string][]byte{}}
	sealed := func(age, dir string) {
		a.payloads[age] = seal(tb, codec(tb, dir), age)
		s, err := sealer(tb, dir).Seal(newPassword(), run)
		a.submissions[age] = value(tb, s, err)
	}
	uses := []keys.Use{keys.Payload, keys.Submission}
	sealed("retired", dir)
	for _, u := range uses {
		first := primary(tb, dir, u)
		promoteNew(tb, dir, u)
		check(tb, keys.Retire(dir, u, first))
	}
	sealed("older", dir)
	for _, u := range uses {
		promoteNew(tb, dir, u)
	}
	sealed("primary", dir)
	later := clone(tb, dir)
	for _, u := range uses {
		promoteNew(tb, later, u)
	}
	sealed("newer", later)
	return a
}
