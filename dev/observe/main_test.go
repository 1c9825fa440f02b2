package observe

import (
	"os"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/site"
)

const newPassword = "plum velvet thirty gulls"

// patience is how long an event is waited for. It only bounds a test that has failed.
const patience = 60 * time.Second

func TestMain(m *testing.M) { os.Exit(site.Main(m.Run)) }

// eventually asks until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); !so(); {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%s did not happen", what)
		}
	}
}
