package starter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	altcha "github.com/altcha-org/altcha-lib-go"
)

func newTestProof(t *testing.T, key string, now *time.Time) *proof {
	t.Helper()
	p, err := newProof(key, func() time.Time { return *now })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// solution is what a page posts for a puzzle.
func solution(t *testing.T, p puzzle, change ...func(*altcha.Payload)) string {
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

// security 3: a solution counts once, for a while, and only for a puzzle that we made.
func TestProof(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p, sister, other := newTestProof(t, "key", &now), newTestProof(t, "key", &now), newTestProof(t, "other", &now)
	made, err := p.puzzle()
	if err != nil {
		t.Fatal(err)
	}
	good := solution(t, made)
	passed := func(what string, p *proof, s string, want bool) {
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

	late, err := p.puzzle()
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(proofLife + time.Second)
	passed("too late", p, solution(t, late), false)
}

// proving is a starter that serves nobody but who solved a puzzle.
type proving struct {
	fakeResets
	p *proof
}

func (p *proving) builtIn() *proof { return p.p }

func (p *proving) Request(ctx context.Context, email string) error {
	if ctx.Value(proofPassedKey{}) == nil {
		return ErrOverloaded
	}
	return p.fakeResets.Request(ctx, email)
}

// security 3: 503 brings a puzzle, whose solution is served; one that failed brings no other, so
// that no page solves for ever.
func TestPuzzleInPlaceOfARefusal(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newTestHandler(t, &proving{p: newTestProof(t, "key", &now)})
	post := func(body string) (code int, answer failure) {
		t.Helper()
		w := exchange(h, "POST", "/account/forgot_password", body, "Content-Type: application/json")
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		return w.Code, answer
	}
	code, answer := post(`{"email":"a@example.com"}`)
	if code != 503 || answer.Code != "overloaded" || answer.Challenge == nil {
		t.Fatalf("answer %d: %+v", code, answer)
	}
	solved := `{"email":"a@example.com","challenge":"` + solution(t, *answer.Challenge) + `"}`
	if code, _ := post(solved); code != 200 {
		t.Errorf("solved: %d", code)
	}
	if code, answer := post(solved); code != 503 || answer.Challenge != nil {
		t.Errorf("solved again: %d %+v", code, answer)
	}
}

// Without a script the page says what it said before; with one it has all that it needs.
func TestPuzzleOnThePage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newTestHandler(t, &proving{p: newTestProof(t, "key", &now)})
	page := func(body string) *httptest.ResponseRecorder {
		return exchange(h, "POST", "/account/forgot_password", body, "Content-Type: application/x-www-form-urlencoded", "Accept: text/html")
	}
	w := page("email=ada%40example.com")
	for _, part := range []string{
		"Too many people ask for a link right now.", "data-solving hidden", `data-solver="`, "/account/static/proof.js", `data-algorithm="SHA-256"`,
		`data-salt="`, `data-challenge="`, `data-signature="`, `data-max-number="100000"`, `value="ada@example.com"`,
	} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	if w.Code != 503 || w.Header().Get("Retry-After") != "10" {
		t.Errorf("answer %d, %v", w.Code, w.Header())
	}
	if w := page("email=ada%40example.com&challenge=x"); strings.Contains(w.Body.String(), "data-solver") {
		t.Error("a page that failed solves again")
	}
}

// A host application's own challenge comes first.
func TestOwnChallengeReplacesThePuzzle(t *testing.T) {
	t.Parallel()
	now := time.Now()
	h := newTestHandler(t, &proving{p: newTestProof(t, "key", &now)}, func(c *HandlerConfig) { c.Challenge = &solved{} })
	w := exchange(h, "POST", "/account/forgot_password", `{"email":"a@example.com"}`, "Content-Type: application/json")
	if w.Code != 503 || strings.Contains(w.Body.String(), "salt") {
		t.Errorf("answer %d: %s", w.Code, w.Body)
	}
	f := newFilter(t)
	f.starts = newStartLimit(1)
	for f.admits(t.Context(), false) {
	}
	if err := f.Request(WithChallengePassed(t.Context()), "new@example.com"); errors.Is(err, ErrOverloaded) {
		t.Error("who passes it is not served")
	}
}
