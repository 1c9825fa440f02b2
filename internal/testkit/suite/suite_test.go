package suite

import (
	"cmp"
	"fmt"
	"testing"
)

// ended records how a test was ended first.
type ended struct {
	testing.TB
	how string
}

func (*ended) Helper()                       {}
func (e *ended) Skip(args ...any)            { e.how = cmp.Or(e.how, "skipped: "+fmt.Sprint(args...)) }
func (e *ended) Skipf(f string, args ...any) { e.Skip(fmt.Sprintf(f, args...)) }
func (e *ended) Fatalf(f string, args ...any) {
	e.how = cmp.Or(e.how, "failed: "+fmt.Sprintf(f, args...))
}

func TestWhichTestsRun(t *testing.T) {
	for value, want := range map[string][2]string{
		"":     {"skipped: it belongs to the long suite: run it with REKEY_TEST=all", "skipped: Chromium is missing: install it to run this test"},
		"long": {"skipped: it belongs to the long suite: run it with REKEY_TEST=all", "skipped: Chromium is missing: install it to run this test"},
		"all":  {"", "failed: Chromium is missing, and REKEY_TEST=all runs every test"},
	} {
		t.Setenv("REKEY_TEST", value)
		var long, missing ended
		Long(&long)
		Missing(&missing, "Chromium")
		if got := [2]string{long.how, missing.how}; got != want {
			t.Errorf("REKEY_TEST=%s: %q, want %q", value, got, want)
		}
	}
}
