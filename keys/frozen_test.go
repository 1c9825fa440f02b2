package keys_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/keys"
)

// vectors are outputs of the frozen keysets. To make them, the keysets and the seed corpus
// again: go test ./keys -run 'TestFrozen|TestSeedCorpus' -update
type vectors struct {
	Payloads    map[string][]byte // by age, see newAges
	Submissions map[string][]byte
	Submission  string // ID
	AccountKey  string // of owner@example.com
	Salt        string // of the token digest 01 00 00 ...
}

// frozen are the committed keysets and vectors. Git keeps no permissions, so the keysets
// are copied.
func frozen(tb testing.TB) (dir string, v vectors) {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	check(tb, err)
	check(tb, json.Unmarshal(raw, &v))
	return clone(tb, filepath.Join("testdata", "keys")), v
}

func made(tb testing.TB, dir string) vectors {
	tb.Helper()
	return vectors{
		Submission: newPassword().ID(),
		AccountKey: accountKeys(tb, dir).Key("owner@example.com"),
		Salt:       hex.EncodeToString(salts(tb, dir).Salt([32]byte{1})),
	}
}

// A release reads the keysets of earlier ones and all that is sealed under them, and makes
// the same account keys, salts and IDs. When this fails, an upgrade breaks deployments.
func TestFrozen(t *testing.T) { // not parallel: TestSeedCorpus reads its output
	if *golden.Update {
		freeze(t)
	}
	dir, v := frozen(t)
	for age, want := range map[string]error{
		"older": nil, "primary": nil, "newer": keys.ErrUnknownKey, "retired": keys.ErrForeign,
	} {
		text, err := decode(codec(t, dir), ours(v.Payloads[age]))
		if !errors.Is(err, want) || err == nil && text != age {
			t.Errorf("payload, %s: %q, %v", age, text, err)
		}
		p, err := opener(t, dir).Open(v.Submissions[age], run)
		if !errors.Is(err, want) || err == nil && p != newPassword() {
			t.Errorf("submission, %s: %v, %v", age, p, err)
		}
	}
	v.Payloads, v.Submissions = nil, nil
	if diff := cmp.Diff(v, made(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func freeze(t *testing.T) {
	t.Helper()
	dir := filepath.Join("testdata", "keys")
	check(t, os.RemoveAll(dir))
	check(t, keys.Create(dir, true))
	a := newAges(t, dir)
	v := made(t, dir)
	v.Payloads, v.Submissions = a.payloads, a.submissions
	raw, err := json.MarshalIndent(v, "", "  ")
	check(t, err)
	check(t, os.WriteFile(filepath.Join("testdata", "vectors.json"), append(raw, '\n'), 0o644))
}

// security 41: production commands refuse these public keys.
func TestFrozenKeysetsAreForDevelopment(t *testing.T) {
	dir, _ := frozen(t)
	for u, load := range loaders(keys.Open(dir)) {
		if err := load(); !errors.Is(err, keys.ErrDev) {
			t.Errorf("%s: %v", u, err)
		}
	}
}
