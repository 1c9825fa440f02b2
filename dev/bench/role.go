package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/rekeyhq/rekey/password"
)

// role is what a process that this program started of itself is to be. Each part of the
// product is a process of its own, as in production, so that the system counts its CPU
// time and its memory apart from those of the others.
type role struct {
	Part string // the key of parts

	// What the parts need to know; each reads its own.
	Temporal string          // address of the Temporal server
	Database string          // its PostgreSQL; empty for its file in Dir
	Dir      string          // holds keys, accounts.db, temporal.db
	URL      string          // the base URL
	Idle     string          // the base URL of a handler that does nothing
	SMTP     string          // where mails are delivered
	LinkLife time.Duration   // zero is the starter's default
	Hashing  password.Params // how the starter hashes
}

// roleEnv makes a process a part.
const roleEnv = "REKEY_BENCH_ROLE"

// parts are run until the context ends. They call ready once, when they work.
var parts = map[string]func(ctx context.Context, r role, ready func()) error{
	"temporal": runTemporal,
	"worker":   runWorker,
	"starter":  runStarter,
	"floor":    runFloor,
	"nothing":  runNothing,
}

// play is the whole life of such a process.
func play(text string) error {
	signal.Ignore(os.Interrupt) // a terminal tells all processes; the first one stops the others in their order
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	o := &overseen{stop: stop, to: json.NewEncoder(os.Stdout)}
	err := parts[r.Part](ctx, r, func() {
		o.tell(reply{})
		go o.answer(os.Stdin)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", r.Part, err)
	}
	return nil
}
