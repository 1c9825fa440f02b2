package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// security 41: the keyset of the recorded runs of package workflow is public in the repository, so
// no process accepts it.
func TestReplayKeysetIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "workflow", "testdata", "keys"))); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d keysets (%v)", len(files), err)
	}
	for _, file := range files { // a checkout is readable for all
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const why = "for development only"
	refused(t, starterArgs(t, "--keys", dir), why)
	refused(t, workerArgs(t, "--keys", dir), why)
	refused(t, codecArgs(t, "--keys", dir, "--bearer-file="+secretFile(t, codecSecret)), why)
}
