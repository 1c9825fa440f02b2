package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // as in Temporal's programs
	"go.temporal.io/server/tools/sql"
)

// patience is how long a server is waited for. It only bounds a test that has failed.
const patience = 2 * time.Minute

// builds is a folder for builds that are made once.
var builds string

// sqlTool is Temporal's tool for schemas, which a test finds under this name in its image.
const sqlTool = "temporal-sql-tool"

func TestMain(m *testing.M) {
	var err error
	switch filepath.Base(os.Args[0]) {
	case sqlTool:
		err = sql.RunTool(os.Args)
	case inboxTool:
		err = machineInbox(os.Args[1:])
	default:
		os.Exit(run(m))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(m *testing.M) int {
	var err error
	if builds, err = os.MkdirTemp("", "rekey-deploy-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(builds)
	return m.Run()
}
