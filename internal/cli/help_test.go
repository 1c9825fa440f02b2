package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/bolt"
)

// TestMain takes every setting of the surroundings away, so that a test sees its own only.
func TestMain(m *testing.M) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "REKEY_") || strings.HasPrefix(name, "TEMPORAL_") || strings.HasPrefix(name, "OTEL_") {
			os.Unsetenv(name)
		}
	}
	os.Setenv("TEMPORAL_CONFIG_FILE", os.DevNull)
	os.Exit(m.Run())
}

// rekey runs a command line and returns its standard output.
func rekey(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var stdout bytes.Buffer
	err := run(t.Context(), args, &stdout, io.Discard)
	return stdout.String(), err
}

// okay is rekey for a command line that must go well.
func okay(t *testing.T, args ...string) string {
	t.Helper()
	out, err := rekey(t, args...)
	if err != nil {
		t.Fatalf("rekey %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// refused runs a command line that must fail and checks that the error is one line with
// all these parts.
func refused(t *testing.T, args []string, parts ...string) error {
	t.Helper()
	out, err := rekey(t, args...)
	if err == nil {
		t.Fatalf("rekey %s went well: %s", strings.Join(args, " "), out)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("rekey %s: more than one line: %v", strings.Join(args, " "), err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("rekey %s: %v; want %q in it", strings.Join(args, " "), err, part)
		}
	}
	return err
}

// wrong is refused for a command line that fails whenever it is repeated.
func wrong(t *testing.T, args []string, parts ...string) {
	t.Helper()
	if err := refused(t, args, parts...); status(err) != exitUnchecked {
		t.Errorf("rekey %s: status %d, want %d", strings.Join(args, " "), status(err), exitUnchecked)
	}
}

// starterArgs is a whole command line of a starter, without a Temporal server.
func starterArgs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"starter", "--keys", newKeys(t), "--base-url", "https://accounts.example.com",
		"--login-url", "https://app.example.com/login", "--product", "Harbor", "--support", "help@example.com",
	}, more...)
}

// workerArgs is a whole command line of a worker, without a Temporal server.
func workerArgs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"worker", "--keys", newKeys(t), "--store", newStore(t),
		"--base-url", "https://accounts.example.com", "--product", "Harbor", "--support", "help@example.com",
		"--from", "no-reply@example.com", "--smtp-host", "127.0.0.1", "--smtp-security", "none",
	}, more...)
}

func newKeys(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	okay(t, "keys", "new", dir)
	return dir
}

// newStore is the path of an account store without accounts.
func newStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accounts.db")
	store, err := bolt.Open(path)
	if err == nil {
		err = store.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
