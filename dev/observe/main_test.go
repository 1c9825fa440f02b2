package observe

import (
	"os"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

const newPassword = "plum velvet thirty gulls"

// patience is how long an event is waited for. It only bounds a test that has failed.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	os.Exit(site.Main(func() int { return postgrestest.Run(m) }))
}
