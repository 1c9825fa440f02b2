// Command alone runs an embedded Temporal server, for tests whose server is a process of its own.
package main

import (
	"fmt"
	"os"

	"github.com/rekeyhq/rekey/internal/signals"
	"github.com/rekeyhq/rekey/one/temporal"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until SIGTERM.
func run() error {
	ctx := signals.Context()
	server, err := temporal.Start(ctx, temporal.Options{
		Addr: os.Getenv("TEMPORAL_ADDRESS"), File: os.Getenv("TEMPORAL_FILE"), Database: os.Getenv("TEMPORAL_DATABASE"),
	})
	if err != nil {
		return err
	}
	fmt.Println("temporal listens")
	<-ctx.Done()
	server.Stop()
	return nil
}
