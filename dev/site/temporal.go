package site

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/temporal"
)

// Settings that make the test binary, started once more, a Temporal server.
const (
	temporalAddr = "REKEY_SITE_TEMPORAL_ADDR"
	temporalFile = "REKEY_SITE_TEMPORAL_FILE"
	temporalDB   = "REKEY_SITE_TEMPORAL_DB"
)

// serve is the Temporal server of a site, until SIGTERM.
func serve(addr string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	server, err := temporal.Start(ctx, temporal.Options{
		Addr: addr, File: os.Getenv(temporalFile), Database: os.Getenv(temporalDB),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("temporal listens")
	<-ctx.Done()
	server.Stop()
	return 0
}

// StartTemporal starts the Temporal server, or starts it again, on the same data and
// address, and waits until it answers.
func (s *Site) StartTemporal(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data := temporalFile + "=" + filepath.Join(s.Dir, "temporal.db")
	switch {
	case s.TemporalDB != "":
		data = temporalDB + "=" + s.TemporalDB
	case s.Volatile:
		data = temporalFile + "=" // in memory
	}
	s.Temporal = process.Start(t, self, []string{temporalAddr + "=" + s.TemporalAddr, data})
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
