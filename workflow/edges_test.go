package workflow_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rekeyhq/rekey/statemachine"
	sdkpb "go.temporal.io/api/sdk/v1"
)

// taken are the edges of the state machine that stories took, as lines of its diagram.
var taken sync.Map

// TestMain fails when no story takes some edge of the table. It cannot judge a part of the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && !filtered() {
		for line := range strings.SplitSeq(statemachine.Reset.Diagram(), "\n") {
			edge := strings.TrimSpace(line)
			if _, ok := taken.Load(edge); !ok && strings.Contains(edge, " : ") {
				fmt.Println("no story takes", edge)
				code = 1
			}
		}
	}
	os.Exit(code)
}

func filtered() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if flag.Lookup(name).Value.String() != "" {
			return true
		}
	}
	return false
}

// note notes the edges that the run took.
func (s *story) note() {
	from := ""
	for _, t := range s.transitions() {
		event, to, _ := strings.Cut(t, " ")
		if from != "" {
			taken.Store(from+" --> "+to+" : "+event, true)
		}
		from = to
	}
}

// transitions are the lines of the run's details: "event state" each.
func (s *story) transitions() []string {
	var all []string
	for line := range strings.SplitSeq(s.details(), "\n") {
		cells := strings.Split(line, "`")
		if strings.HasPrefix(line, "| 2") && len(cells) == 5 {
			all = append(all, cells[1]+" "+cells[3])
		}
	}
	return all
}

// details is the run's text in the Temporal UI.
func (s *story) details() string {
	s.t.Helper()
	answer, err := s.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		s.t.Fatal(err)
	}
	var meta sdkpb.WorkflowMetadata
	s.check(answer.Get(&meta))
	return meta.GetCurrentDetails()
}
