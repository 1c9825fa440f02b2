// Package signals says when a program is told to stop.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Context returns a context that the first SIGINT or SIGTERM ends. The second one ends
// the process, for those who do not want to wait for the first.
func Context() context.Context {
	signaled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(signaled, func() { stop(); cancel() })
	return ctx
}
