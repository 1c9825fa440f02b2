package starter

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2"
)

const (
	// startBurst is how many seconds' worth of starts may come at once.
	startBurst = 10
	// wideNetworks is how many networks of clients are told apart, those of the latest requests.
	wideNetworks = 1024
	// The bits of a wide network. A registry gives a provider as much, and the provider hands out
	// /48 for free.
	wideBits4, wideBits6 = 16, 32
)

type challengePassedKey struct{}

// WithChallengePassed lets a request pass the [Config.StartLimit]. The HTTP handler does it when
// the client solved the challenge of its host; a Go backend does it itself.
func WithChallengePassed(ctx context.Context) context.Context {
	return context.WithValue(ctx, challengePassedKey{}, true)
}

// startLimit is a budget of starts. While less than half of it is left, each wide network gets
// only its share. A flood from a few networks leaves room for all others.
type startLimit struct {
	perSecond float64

	mu       sync.Mutex
	all      share
	networks *lru.Cache[netip.Prefix, *share]
	active   int       // networks with a recent request, as of counted
	counted  time.Time // once a second
}

// share is the rest of a budget, of all or of a wide network.
type share struct {
	left float64
	at   time.Time // when it was refilled last
}

func (s *share) refill(now time.Time, perSecond, most float64) {
	s.left = min(most, s.left+perSecond*max(0, now.Sub(s.at).Seconds()))
	s.at = now
}

// newStartLimit makes a budget; nil is no limit.
func newStartLimit(perSecond int) *startLimit {
	if perSecond == 0 {
		return nil
	}
	networks, err := lru.New[netip.Prefix, *share](wideNetworks)
	if err != nil { // only for a size below one
		panic(err)
	}
	return &startLimit{perSecond: float64(perSecond), networks: networks}
}

// admits reports whether a client may start a reset, and takes a start unless it is a repeat.
func (l *startLimit) admits(now time.Time, client netip.Addr, repeat bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shareOf(now, client)
	burst := startBurst * l.perSecond
	l.all.refill(now, l.perSecond, burst)
	if l.all.left < 1 || s != nil && s.left < 1 && l.all.left < burst/2 {
		return false
	}
	if !repeat {
		l.all.left--
		if s != nil {
			s.left = max(0, s.left-1)
		}
	}
	return true
}

// shareOf is the share of a client's wide network, refilled; nil for an unknown client.
func (l *startLimit) shareOf(now time.Time, client netip.Addr) *share {
	bits := wideBits4
	if client.Is6() {
		bits = wideBits6
	}
	network, err := client.Prefix(bits)
	if err != nil || !client.IsValid() {
		return nil
	}
	s, known := l.networks.Get(network)
	if !known {
		s = &share{at: now}
		l.networks.Add(network, s)
		l.active++
	}
	l.count(now)
	// One share more than there are networks is kept for a new one.
	perSecond := l.perSecond / float64(l.active+1)
	most := max(1, startBurst*perSecond/2)
	if s.refill(now, perSecond, most); !known {
		s.left = most
	}
	return s
}

// count counts the networks with a recent request.
func (l *startLimit) count(now time.Time) {
	if now.Sub(l.counted) < time.Second {
		return
	}
	l.active, l.counted = 0, now
	for _, s := range l.networks.Values() {
		if now.Sub(s.at) < startBurst*time.Second {
			l.active++
		}
	}
}

// admits reports whether a request may go to Temporal. A repeat starts nothing as a rule and takes
// nothing from the others. But when other requests are refused, a repeat is refused too: the
// answer must not reveal earlier requests. Clients that solved rekey's own challenge have a
// separate budget, so that a flood that solves it is bounded too.
func (c *Client) admits(ctx context.Context, repeat bool) bool {
	limit := c.starts
	if ctx.Value(proofPassedKey{}) != nil {
		limit = c.proven
	}
	if limit == nil || ctx.Value(challengePassedKey{}) != nil {
		return true
	}
	return limit.admits(c.cfg.Now(), ClientAddr(ctx), repeat)
}
