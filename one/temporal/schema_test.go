package temporal_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/one/temporal"
)

// A file whose tables are not those of this server is refused, and one with them is not.
func TestTablesOfAnotherServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	same, other := filepath.Join(dir, "same?100%.db"), filepath.Join(dir, "other.db")
	s, err := temporal.Start(t.Context(), temporal.Options{File: filepath.Join(dir, "temporal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.Backup(t.Context(), same); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep("CREATE INDEX of_a_later_server ON executions (run_id)"); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	again, err := temporal.Start(t.Context(), temporal.Options{File: same})
	if err != nil {
		t.Fatal(err)
	}
	again.Stop()
	_, err = temporal.Start(t.Context(), temporal.Options{File: other})
	if err == nil || !strings.Contains(err.Error(), other+": its tables are those of another version") {
		t.Errorf("error %v", err)
	}
}
