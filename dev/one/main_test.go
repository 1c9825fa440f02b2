package one

import (
	"fmt"
	"os"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestMain(m *testing.M) {
	if os.Getenv(clusterSocket) == "" {
		os.Exit(site.Main(func() int { return postgrestest.Run(m) }))
	}
	if err := cluster(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
