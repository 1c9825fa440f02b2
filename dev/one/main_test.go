package one

import (
	"os"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m.Run)) }
