package web

import (
	"context"
	"net/netip"
)

// Challenge tells a person from a program: a CAPTCHA or a proof of work that the host application
// shows on its page. It is asked only while more resets are requested than
// [starter.Config.StartLimit] lets through. A client that passes is served all the same.
type Challenge interface {
	// Passed reports whether a solution, the member "challenge" of the request, is
	// good. It bounds its own time and may be called concurrently.
	Passed(ctx context.Context, solution string, client netip.Addr) bool
}

// noChallenge passes no client.
type noChallenge struct{}

func (noChallenge) Passed(context.Context, string, netip.Addr) bool { return false }
