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
	// proofsUsed is how many solutions are remembered as used. To push one out, somebody solves
	// as many puzzles.
	proofsUsed = 100_000
	// proofLongest is more than a solution has.
	proofLongest = 1024
)

// puzzle is a challenge in ALTCHA's format, for scripts of any page.
type puzzle = altcha.Challenge

// proof is the challenge that is built in: a proof of work. Starters that share a folder of
// keysets take each other's puzzles; each of them takes a solution once.
type proof struct {
	key  string
	used *lru.Cache[string, struct{}]
	now  func() time.Time
}

func newProof(key string, now func() time.Time) (*proof, error) {
	used, err := lru.New[string, struct{}](proofsUsed)
	return &proof{key, used, now}, err
}

// puzzle makes one.
func (p *proof) puzzle() (puzzle, error) {
	expires := p.now().Add(proofLife)
	return altcha.CreateChallenge(altcha.ChallengeOptions{
		Algorithm: altcha.SHA256, MaxNumber: proofWork, HMACKey: p.key, Expires: &expires,
	})
}

// Passed implements [Challenge].
func (p *proof) Passed(_ context.Context, solution string, _ netip.Addr) bool {
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
	again, _ := p.used.ContainsOrAdd(s.Challenge, struct{}{})
	return !again
}

// live reports whether a puzzle of ours has not expired. Its salt is signed.
func (p *proof) live(s altcha.Payload) bool {
	var expires int64
	return json.Unmarshal([]byte(altcha.ExtractParams(s).Get("expires")), &expires) == nil && p.now().Unix() <= expires
}

type proofPassedKey struct{}

// withProofPassed gives a request the budget of those who solved a puzzle.
func withProofPassed(ctx context.Context) context.Context {
	return context.WithValue(ctx, proofPassedKey{}, true)
}

// prover is a [Resets] that has a challenge of its own.
type prover interface{ builtIn() *proof }

// builtIn implements prover.
func (c *Client) builtIn() *proof { return c.proof }
