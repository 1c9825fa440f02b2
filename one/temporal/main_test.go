package temporal_test

import (
	"os"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }
