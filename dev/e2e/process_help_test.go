package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
)

// lastLine is the error that a command ended with.
func lastLine(p *process.Process) string {
	lines := strings.Split(strings.TrimSpace(p.Err.String()), "\n")
	return lines[len(lines)-1]
}

// checkJSON checks that every line of a log is JSON.
func checkJSON(t *testing.T, p *process.Process) {
	t.Helper()
	for line := range strings.Lines(p.Err.String()) {
		if err := json.Unmarshal([]byte(line), &struct{}{}); err != nil {
			t.Errorf("log line %q: %v", line, err)
		}
	}
}

// emptyStore is the path of an account store without accounts.
func emptyStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accounts.db")
	store, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	return path
}
