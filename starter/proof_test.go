package starter

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	altcha "github.com/altcha-org/altcha-lib-go"
)

func newTestProof(t *testing.T, key string, now *time.Time) *Proof {
	t.Helper()
	p, err := newProof(key, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// solution is a page's answer to a puzzle.
func solution(t *testing.T, p Puzzle, change ...func(*altcha.Payload)) string {
	t.Helper()
	for n := range p.MaxNumber + 1 {
		sum := sha256.Sum256([]byte(p.Salt + strconv.FormatInt(n, 10)))
		if hex.EncodeToString(sum[:]) != p.Challenge {
			continue
		}
		s := altcha.Payload{Algorithm: p.Algorithm, Challenge: p.Challenge, Number: n, Salt: p.Salt, Signature: p.Signature}
		for _, c := range change {
			c(&s)
		}
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(raw)
	}
	t.Fatal("the puzzle has no solution")
	return ""
}

// security 3: a solution counts once, for a while, and only for a genuine puzzle.
func TestProof(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p, sister, other := newTestProof(t, "key", &now), newTestProof(t, "key", &now), newTestProof(t, "other", &now)
	made, err := p.Puzzle()
	if err != nil {
		t.Fatal(err)
	}
	good := solution(t, made)
	passed := func(what string, p *Proof, s string, want bool) {
		t.Helper()
		if got := p.Passed(t.Context(), s, netip.Addr{}); got != want {
			t.Errorf("%s: %t", what, got)
		}
	}
	passed("nothing", p, "", false)
	passed("no base64", p, "{}", false)
	passed("no JSON", p, "AAAA", false)
	passed("a long one", p, good+strings.Repeat("A", proofLongest), false)
	passed("another number", p, solution(t, made, func(s *altcha.Payload) { s.Number++ }), false)
	passed("a longer life", p, solution(t, made, func(s *altcha.Payload) { s.Salt = strings.Replace(s.Salt, "expires=1", "expires=9", 1) }), false)
	passed("a weaker hash", p, solution(t, made, func(s *altcha.Payload) { s.Algorithm = "SHA-1" }), false)
	passed("under another key", other, good, false)
	passed("good", p, good, true)
	passed("again", p, good, false)
	passed("at another starter", sister, good, true)

	late, err := p.Puzzle()
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(proofLife + time.Second)
	passed("too late", p, solution(t, late), false)
}
