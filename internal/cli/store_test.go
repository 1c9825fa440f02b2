package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A mistyped path is refused, and no file is made there. A new file would have no accounts, and
// every user would wait for a link in vain.
func TestWorkerRefusesAStoreThatIsNone(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	missing, empty, text := filepath.Join(folder, "acounts.db"), filepath.Join(folder, "empty"), filepath.Join(folder, "text")
	if err := errors.Join(os.WriteFile(empty, nil, 0o600), os.WriteFile(text, []byte("id,address\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		missing: "there is no account store: check the path",
		empty:   "there is no account store: check the path",
		text:    "the account store is damaged, or this file is none: check the path, or restore a backup",
		folder:  "is a directory",
	} {
		refused(t, workerArgs(t, "--store", path), "--store ($REKEY_STORE): "+path+": ", want)
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
}
