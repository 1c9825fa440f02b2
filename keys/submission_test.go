package keys_test

import (
	"errors"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/keys"
)

func TestSubmission(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	sealed, err := sealer(t, dir).Seal(newPassword(), run)
	check(t, err)
	got, err := opener(t, dir).Open(sealed, run)
	check(t, err)
	if diff := cmp.Diff(newPassword(), got); diff != "" {
		t.Error(diff)
	}
}

// security 28: a submission opens for its run only, and only as it was sealed.
func TestSubmissionRefusals(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	o := opener(t, dir)
	sealed, err := sealer(t, dir).Seal(newPassword(), run)
	check(t, err)
	refused := func(name string, sealed []byte, context string) {
		t.Helper()
		got, err := o.Open(sealed, context)
		if !errors.Is(err, keys.ErrForeign) || got != (keys.NewPassword{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, context := range []string{"", "reset/", run + "2", run[:len(run)-1]} {
		refused("another run", sealed, context)
	}
	refused("nothing", nil, run)
	refused("cut short", slices.Clone(sealed[:4]), run)
	refused("in clear", []byte(`{"Hash":"$argon2id$"}`), run)
	for i := range sealed {
		if i >= 1 && i <= 4 {
			continue // the key's ID: see the next test
		}
		bent := slices.Clone(sealed)
		bent[i] ^= 1
		refused("tampered", bent, run)
	}
}

func TestSubmissionAges(t *testing.T) {
	t.Parallel()
	a := newAges(t, newKeys(t))
	for age, want := range map[string]error{
		"older": nil, "primary": nil, "newer": keys.ErrUnknownKey, "retired": keys.ErrForeign,
	} {
		if _, err := opener(t, a.dir).Open(a.submissions[age], run); !errors.Is(err, want) {
			t.Errorf("%s: %v", age, err)
		}
	}
	notTinks := slices.Clone(a.submissions["newer"])
	notTinks[0]++
	if _, err := opener(t, a.dir).Open(notTinks, run); !errors.Is(err, keys.ErrForeign) {
		t.Errorf("no key's ID, but bytes in its place: %v", err)
	}
}

// security 36: the same link and password are the same submission, whenever it is
// accepted; any other is another. Without the token the ID tests no guess at the hash.
func TestSubmissionID(t *testing.T) {
	t.Parallel()
	p := newPassword()
	id := p.ID()
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
		t.Errorf("ID %q", id)
	}
	later, otherHash, otherToken := p, p, p
	later.Accepted = p.Accepted.Add(1)
	otherHash.Hash += "x"
	otherToken.Digest[31]++
	if later.ID() != id || otherHash.ID() == id || otherToken.ID() == id {
		t.Errorf("%s: later %s, other hash %s, other token %s", id, later.ID(), otherHash.ID(), otherToken.ID())
	}
}
