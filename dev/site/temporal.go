package site

import (
	"context"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/rekeyhq/rekey/dev/process"
)

// StartTemporal starts the Temporal server, or starts it again, on the same data and
// address, and waits until it answers.
func (s *Site) StartTemporal(t *testing.T) {
	t.Helper()
	program, err := tool("alone")
	if err != nil {
		t.Fatal(err)
	}
	data := "TEMPORAL_FILE=" + filepath.Join(s.Dir, "temporal.db")
	switch {
	case s.TemporalDB != "":
		data = "TEMPORAL_DATABASE=" + s.TemporalDB
	case s.Volatile:
		data = "TEMPORAL_FILE=" // in memory
	}
	s.Temporal = process.Start(t, program, []string{"TEMPORAL_ADDRESS=" + s.TemporalAddr, data})
	s.Temporal.Await(t, s.Temporal.Out, "temporal listens")
}

// StopTemporal stops the Temporal server as its operator does.
func (s *Site) StopTemporal(t *testing.T) {
	t.Helper()
	s.Temporal.Signal(t, syscall.SIGTERM)
	if code := s.Temporal.Exit(t); code != 0 {
		t.Fatalf("Temporal server: exit code %d", code)
	}
}

// Dial returns a client of Temporal that has no keys.
func (s *Site) Dial(t *testing.T) client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: s.TemporalAddr, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
