package starter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"time"

	altcha "github.com/altcha-org/altcha-lib-go"
	"github.com/hashicorp/golang-lru/v2"
)

const (
	// proofWork is how many hashes solve a puzzle at most, and half of that on average: a second
	// or two of a phone's browser.
	proofWork = 100_000
	// proofLife is how long a puzzle may be solved.
	proofLife = 5 * time.Minute
	// proofsUsed is how many solutions are remembered as used. A client must solve as many puzzles
	// to push one out.
	proofsUsed = 100_000
	// proofLongest is longer than any solution.
	proofLongest = 1024
)

// Puzzle is a challenge in ALTCHA's format, for scripts of any page.
type Puzzle = altcha.Challenge

// Proof is the built-in challenge: a proof of work. Starters that share a folder of keysets accept
// each other's puzzles; each of them accepts a solution once. It is safe for concurrent use.
type Proof struct {
	key  string
	used *lru.Cache[string, struct{}]
	now  func() time.Time
}

func newProof(key string, now func() time.Time) (*Proof, error) {
	used, err := lru.New[string, struct{}](proofsUsed)
	return &Proof{key, used, now}, err
}

// Puzzle makes a puzzle, which can be solved for five minutes.
func (p *Proof) Puzzle() (Puzzle, error) {
	expires := p.now().Add(proofLife)
	return altcha.CreateChallenge(altcha.ChallengeOptions{
		Algorithm: altcha.SHA256, MaxNumber: proofWork, HMACKey: p.key, Expires: &expires,
	})
}

// Passed reports whether a solution is good and was not used before. The client does not matter.
func (p *Proof) Passed(_ context.Context, solution string, _ netip.Addr) bool {
	if solution == "" || len(solution) > proofLongest {
		return false
	}
	var s altcha.Payload
	raw, err := base64.StdEncoding.DecodeString(solution)
	if err != nil || json.Unmarshal(raw, &s) != nil || s.Algorithm != string(altcha.SHA256) {
		return false
	}
	good, err := altcha.VerifySolutionSafe(s, p.key, false)
	if err != nil || !good || !p.live(s) {
		return false
	}
	used, _ := p.used.ContainsOrAdd(s.Challenge, struct{}{})
	return !used
}

// live reports whether a puzzle has not expired. Its salt is signed.
func (p *Proof) live(s altcha.Payload) bool {
	var expires int64
	return json.Unmarshal([]byte(altcha.ExtractParams(s).Get("expires")), &expires) == nil && p.now().Unix() <= expires
}

type proofPassedKey struct{}

// WithProofPassed gives a request the budget of clients that solved a puzzle of [Client.Proof].
// The HTTP handler does it; a Go backend with pages of its own does it itself.
func WithProofPassed(ctx context.Context) context.Context {
	return context.WithValue(ctx, proofPassedKey{}, true)
}

// Proof implements [Resets].
func (c *Client) Proof() *Proof { return c.proof }
