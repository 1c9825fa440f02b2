package temporal_test

import (
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/one/temporal"
)

// security 23: what the server has acknowledged survives a power cut: the connection of all its
// calls syncs the write-ahead log at each commit (https://sqlite.org/pragma.html#pragma_synchronous:
// 2 is FULL).
func TestEveryCommitIsSynced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := temporal.Start(t.Context(), temporal.Options{File: filepath.Join(dir, "temporal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.Keep("CREATE TABLE seen AS SELECT (SELECT synchronous FROM pragma_synchronous) || ' ' || (SELECT journal_mode FROM pragma_journal_mode) AS settings"); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "copy.db") // the server keeps its file locked
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if got, err := temporal.Read(copied, "SELECT settings FROM seen"); got != "2 wal" || err != nil {
		t.Errorf("settings %q, %v", got, err)
	}
}
