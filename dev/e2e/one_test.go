package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// On one machine an operator types a name and the secret into the dialog of the browser, and reads
// a run decoded: the browser sends the secret to the codec server too, which has the same origin.
func TestUIOfOneMachine(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := site.One(t)
	s.StartOne(t)
	erin := s.People[0]
	s.Forgot(t, erin)
	s.Insist(t, s.Token(t, erin, 1), newPassword)
	temporal := s.Dial(t)
	process.Eventually(t, s.Patience, "the end of the run", func() bool { return s.State(t, temporal, erin) == "completed" })
	secret, err := os.ReadFile(filepath.Join(s.Dir, "operator.secret"))
	if err != nil {
		t.Fatal(err)
	}
	at := s.Setting("REKEY_UI_LISTEN")
	b := browse(t, []string{"http://" + at})
	read := b.run("http://olga:"+strings.TrimSpace(string(secret))+"@"+at, s.WorkflowID(t, erin), `"`+erin.Address+`"`)
	if !strings.Contains(read, "mail a link") {
		t.Errorf("the page reads\n%s", read)
	}
}
