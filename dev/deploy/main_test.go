package deploy

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// patience is how long a server is waited for. It only bounds a test that has failed.
const patience = 2 * time.Minute

// builds is a folder for builds that are made once.
var builds string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if builds, err = os.MkdirTemp("", "rekey-deploy-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(builds)
	return m.Run()
}
