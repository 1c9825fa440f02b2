package web

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	altcha "github.com/altcha-org/altcha-lib-go"

	"github.com/rekeyhq/rekey/starter"
)

// solved is a challenge with one solution; it notes the addresses of its clients.
type solved struct{ asked []string }

func (s *solved) Passed(_ context.Context, solution string, client netip.Addr) bool {
	s.asked = append(s.asked, solution+" "+client.String())
	return solution == "42"
}

// flooded is a starter that starts no more resets at the moment.
func flooded(t *testing.T) *realStarter {
	t.Helper()
	s := newRealStarter(t, func(c *starter.Config) { c.StartLimit = 1 })
	s.now = time.Now()
	for i := range 10 { // seconds' worth of starts
		if err := s.Request(t.Context(), fmt.Sprintf("flood%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	s.calls.Store(0)
	return s
}

// security 3: 503 for all, unless the challenge hook lets the client pass.
func TestChallenge(t *testing.T) {
	t.Parallel()
	resets, challenge := flooded(t), &solved{}
	h := newTestHandler(t, resets, func(c *Config) { c.Challenge = challenge })
	for body, want := range map[string]int{
		`{"email":"a@example.com"}`:                    503,
		`{"email":"a@example.com","challenge":"41"}`:   503,
		`{"email":"ada@example.com","challenge":"42"}`: 200,
	} {
		w := exchange(h, "POST", "/account/forgot_password", body, asJSON)
		if w.Code != want || (want == 503) != (w.Header().Get("Retry-After") == "10") {
			t.Errorf("%s: %d, Retry-After %q", body, w.Code, w.Header().Get("Retry-After"))
		}
	}
	slices.Sort(challenge.asked)
	if want := []string{" 192.0.2.1", "41 192.0.2.1", "42 192.0.2.1"}; !slices.Equal(challenge.asked, want) {
		t.Errorf("asked about %q", challenge.asked)
	}
	if n := resets.calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// The challenge costs a call of another service, so it is asked only when it decides.
func TestChallengeIsNotAskedWithoutNeed(t *testing.T) {
	t.Parallel()
	challenge := &solved{}
	for _, err := range []error{nil, starter.ErrUnavailable} {
		h := newTestHandler(t, &fakeResets{err: err}, func(c *Config) { c.Challenge = challenge })
		ask(h, "198.51.100.7", "a@example.com")
	}
	if len(challenge.asked) != 0 {
		t.Errorf("asked about %q", challenge.asked)
	}
}

func TestNobodyPassesWithoutAChallenge(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{err: starter.ErrOverloaded})
	if got := ask(h, "198.51.100.7", "a@example.com"); got != 503 {
		t.Error(got)
	}
}

// security 3: 503 brings a puzzle, and its solution is served. A failed solution brings no other
// puzzle, so that no page solves for ever.
func TestPuzzleInPlaceOfARefusal(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, flooded(t))
	post := func(body string) (code int, answer failure) {
		t.Helper()
		w := exchange(h, "POST", "/account/forgot_password", body, asJSON)
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

// Without a script the page shows the error alone; with one it has all data of the puzzle.
func TestPuzzleOnThePage(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, flooded(t))
	page := func(body string) *httptest.ResponseRecorder {
		return exchange(h, "POST", "/account/forgot_password", body, asForm, forPage)
	}
	w := page("email=ada%40example.com")
	for _, part := range []string{
		"Too many people are requesting links right now.", "data-solving hidden", `data-solver="`, "/account/static/proof.js", `data-algorithm="SHA-256"`,
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
	h := newTestHandler(t, flooded(t), func(c *Config) { c.Challenge = &solved{} })
	w := exchange(h, "POST", "/account/forgot_password", `{"email":"a@example.com"}`, asJSON)
	if w.Code != 503 || strings.Contains(w.Body.String(), "salt") {
		t.Errorf("answer %d: %s", w.Code, w.Body)
	}
}

// solution is a page's answer to a puzzle.
func solution(t *testing.T, p starter.Puzzle) string {
	t.Helper()
	found, err := altcha.SolveChallenge(p.Challenge, p.Salt, altcha.Algorithm(p.Algorithm), int(p.MaxNumber), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(altcha.Payload{Algorithm: p.Algorithm, Challenge: p.Challenge, Number: int64(found.Number), Salt: p.Salt, Signature: p.Signature})
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}
