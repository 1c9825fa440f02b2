package crash

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

func TestMain(m *testing.M) { os.Exit(site.Main(m.Run, "-tags", "failpoint")) }

// The program that people run has no failpoints. The one of these tests has.
func TestNormalBuildHasNoFailpoints(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	for want, flags := range map[bool][]string{false: nil, true: {"-tags", "failpoint"}} {
		path := filepath.Join(t.TempDir(), "rekey")
		site.Build(t, path, flags...)
		binary, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"REKEY_FAILPOINT", failpoint.BeforeCommit, failpoint.AfterCommit, failpoint.AfterCompletion} {
			if got := contains(binary, part); got != want {
				t.Errorf("built with %v: it holds %q is %v", flags, part, got)
			}
		}
	}
}
