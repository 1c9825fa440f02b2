package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReport(t *testing.T) {
	t.Parallel()
	const module = `"Package":"github.com/rekeyhq/rekey/`
	in := strings.Join([]string{
		`{"Action":"build-output","Output":"x.go:1:1: wrong\n"}`,
		`{"Time":"2026-01-01T00:00:00Z","Action":"output",` + module + `a","Test":"TestGood","Output":"    a_test.go:1: not seen\n"}`,
		`{"Time":"2026-01-01T00:01:00Z","Action":"pass",` + module + `a","Test":"TestGood","Elapsed":60}`,
		`{"Time":"2026-01-01T00:01:01Z","Action":"output",` + module + `a","Test":"TestBad/part","Output":"    a_test.go:2: seen\n"}`,
		`{"Time":"2026-01-01T00:01:02Z","Action":"fail",` + module + `a","Test":"TestBad/part","Elapsed":1}`,
		`{"Time":"2026-01-01T00:01:02Z","Action":"fail",` + module + `a","Test":"TestBad","Elapsed":1}`,
		`{"Time":"2026-01-01T00:01:02Z","Action":"output",` + module + `a","Test":"TestLong/part","Output":"    suite.go:3: it is long\n"}`,
		`{"Time":"2026-01-01T00:01:02Z","Action":"skip",` + module + `a","Test":"TestLong/part","Elapsed":0}`,
		`{"Time":"2026-01-01T00:01:02Z","Action":"output",` + module + `a","Test":"TestHung","Output":"panic: test timed out\n"}`,
		`{"Time":"2026-01-01T00:01:02Z","Action":"fail",` + module + `a","Elapsed":62}`,
		`{"Time":"2026-01-01T00:01:03Z","Action":"output",` + module + `b","Output":"?   \tb\t[no test files]\n"}`,
		`{"Time":"2026-01-01T00:01:03Z","Action":"skip",` + module + `b","Elapsed":0}`,
		`no JSON`,
	}, "\n")
	var out strings.Builder
	r := &report{out: &out, output: map[string]string{}, skips: map[string]map[string]bool{}}
	if err := r.read(strings.NewReader(in)); err != nil || !r.failed {
		t.Errorf("failed %v, error %v", r.failed, err)
	}
	r.end()
	const want = `x.go:1:1: wrong
pass   60.0s  a.TestGood
    a_test.go:2: seen
panic: test timed out
fail   62.0s  a
skip    0.0s  b
no JSON

The slowest tests:
  60.0s  a.TestGood
   1.0s  a.TestBad

Skipped, in 1 tests: it is long
  a.TestLong
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
