package one

import (
	"os"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestMain(m *testing.M) {
	os.Exit(site.Main(func() int { return postgrestest.Run(m) }))
}
