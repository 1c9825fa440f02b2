package site

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
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

// Identity is the configuration of a client with the certificate and key of `rekey one`.
func Identity(t *testing.T, text []byte) *tls.Config {
	t.Helper()
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS13}
}

// Dial returns a client of Temporal that has no keys.
func (s *Site) Dial(t *testing.T) client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	options := client.Options{HostPort: s.TemporalAddr, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))}
	if identity, err := os.ReadFile(filepath.Join(s.Dir, "temporal.pem")); err == nil { // that of `rekey one`
		options.ConnectionOptions.TLS = Identity(t, identity)
	}
	c, err := client.DialContext(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
