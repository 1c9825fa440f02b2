package worker

import (
	"os"
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
)

// A worker carries out campaigns when it has account.json. Without it, it does everything else. A file
// that is damaged stops it.
func TestCampaignsNeedAccountKeys(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(folder, false); err != nil {
		t.Fatal(err)
	}
	c := Config{Keys: keys.Open(folder), Store: watch(nil, client.MetricsNopHandler), BaseURL: link.MustParseBaseURL("https://example.com")}.withDefaults()
	acts, err := c.activities()
	if err != nil || acts.AccountKeys == nil || acts.Lister == nil {
		t.Errorf("with the file: %+v, %v", acts, err)
	}
	file := filepath.Join(folder, "account.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.activities(); err == nil {
		t.Error("a damaged file is no error")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if acts, err = c.activities(); err != nil || acts.AccountKeys != nil {
		t.Errorf("without the file: %+v, %v", acts, err)
	}
}
