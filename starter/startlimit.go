package starter

import (
	"context"
	"net/netip"

	"golang.org/x/time/rate"
)

// startBurst is how many seconds' worth of starts may come at once.
const startBurst = 10

// Challenge tells a person from a program: a CAPTCHA or a proof of work that the host
// application shows on its page. It is asked only while more resets are requested than
// [Config.StartLimit] lets through, and whoever passes is served all the same.
type Challenge interface {
	// Passed reports whether a solution, the member "challenge" of the request, is
	// good. It bounds its own time and may be called concurrently.
	Passed(ctx context.Context, solution string, client netip.Addr) bool
}

// noChallenge lets nobody pass.
type noChallenge struct{}

func (noChallenge) Passed(context.Context, string, netip.Addr) bool { return false }

type challengePassedKey struct{}

// WithChallengePassed lets a request pass the [Config.StartLimit]. The HTTP handler does
// it when its [Challenge] was solved; a Go backend that asks its own does it itself.
func WithChallengePassed(ctx context.Context) context.Context {
	return context.WithValue(ctx, challengePassedKey{}, true)
}

func newStartLimit(perSecond int) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), startBurst*perSecond)
}

// admits reports whether a request may go to Temporal. A repeat
// starts nothing as a rule and takes nothing from the others. But when nobody else is
// served it is not either: the answer must not tell who was asked for before.
func (c *Client) admits(ctx context.Context, repeat bool) bool {
	switch {
	case c.starts == nil, ctx.Value(challengePassedKey{}) != nil:
		return true
	case repeat:
		return c.starts.TokensAt(c.cfg.Now()) >= 1
	default:
		return c.starts.AllowN(c.cfg.Now(), 1)
	}
}
