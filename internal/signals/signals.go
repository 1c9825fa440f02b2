// Package signals receives the signal that stops a program.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Context returns a context that the first SIGINT or SIGTERM ends. The second one ends the
// process at once. A file that may not grow any more is no reason to end a process.
func Context() context.Context {
	ignoreFileSize()
	signaled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	context.AfterFunc(signaled, func() { stop(); cancel() })
	return ctx
}
