package link_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rekeyhq/rekey/link"
)

// Any claims come back as they were, and one changed character makes them invalid.
func TestRoundTripAndTamper(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	rapid.Check(t, func(t *rapid.T) {
		sixteen := rapid.SliceOfN(rapid.Byte(), 16, 16)
		run := sixteen.Draw(t, "run")
		c := link.Claims{
			RunID:      fmt.Sprintf("%x-%x-%x-%x-%x", run[:4], run[4:6], run[6:8], run[8:10], run[10:]),
			AccountKey: hex.EncodeToString(sixteen.Draw(t, "account")),
			Expires:    time.Unix(rapid.Int64().Draw(t, "expires"), 0).UTC(),
			Address:    strings.ReplaceAll(rapid.StringN(-1, -1, 254).Draw(t, "address"), "\x00", "0"),
			Hash:       rapid.SampledFrom([]string{"", "19456,2,1", "2y12"}).Draw(t, "hash"),
		}
		token, err := b.Seal(link.Reset, c)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := b.Open(link.Reset, token.Text()); err != nil || got != c {
			t.Fatalf("%v, %v; want %v", got, err, c)
		}
		text := []byte(token.Text())
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		other := rapid.SampledFrom([]byte("AZaz09-_")).Filter(func(c byte) bool { return c != text[at] })
		text[at] = other.Draw(t, "other")
		if _, _, err := b.Open(link.Reset, string(text)); !errors.Is(err, link.ErrInvalid) {
			t.Fatalf("character %d changed: %v", at, err)
		}
	})
}

// A token that opens is rekey's, yet it may be from another release.
func TestShortClaimsAreInvalid(t *testing.T) {
	t.Parallel()
	for n := range 42 {
		f := &fakeAEAD{plain: make([]byte, n)}
		_, _, err := newBox(t, f, base, namespace).Open(link.Reset, strings.Repeat("A", 100))
		if n < 40 && !errors.Is(err, link.ErrInvalid) || n >= 40 && err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// security 6: clocks may differ by a minute.
func TestExpired(t *testing.T) {
	t.Parallel()
	end := claims().Expires
	for _, c := range []struct {
		now  time.Time
		skew time.Duration
		want bool
	}{
		{end.Add(-time.Second), 0, false},
		{end, 0, false},
		{end.Add(1), 0, true},
		{end.Add(time.Minute), time.Minute, false},
		{end.Add(time.Minute + 1), time.Minute, true},
	} {
		if got := claims().Expired(c.now, c.skew); got != c.want {
			t.Errorf("at %v with skew %v: %t", c.now, c.skew, got)
		}
	}
}

// Fractions of a second are dropped, never rounded up.
func TestWholeSeconds(t *testing.T) {
	t.Parallel()
	b, c := newBox(t, frozenKey(t), base, namespace), claims()
	c.Expires = c.Expires.Add(999 * time.Millisecond)
	got, _, err := b.Open(link.Reset, seal(t, b, link.Reset, c).Text())
	if err != nil || got.Expires != claims().Expires {
		t.Errorf("%v, %v", got.Expires, err)
	}
}
