package golden_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
)

// witness is a test that only notes how it failed.
type witness struct {
	testing.TB
	said string
}

func (*witness) Helper()                        {}
func (w *witness) Errorf(f string, args ...any) { w.said += fmt.Sprintf(f, args...) }
func (w *witness) Fatal(args ...any)            { w.said += fmt.Sprint(args...) }

func TestCheck(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("testdata/fuzz/FuzzX", 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"file.golden": "as it was\n", "fuzz/FuzzX/seed": "go test fuzz v1\nstring(\"a\")\n[]byte(\"\\x00\")\n",
	} {
		if err := os.WriteFile("testdata/"+file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		file, got string
		said      string
	}{
		"same":    {"file.golden", "as it was\n", ""},
		"changed": {"file.golden", "as it is\n", "-update"},
		"missing": {"none.golden", "", "none.golden"},
	} {
		w := &witness{TB: t}
		golden.Check(w, tc.file, tc.got)
		expect(t, name, w.said, tc.said)
	}
	for name, tc := range map[string]struct {
		argument any
		said     string
	}{
		"seed":         {[]byte{0}, ""},
		"another kind": {"\x00", "-update"},
		"another seed": {[]byte{1}, "-update"},
	} {
		w := &witness{TB: t}
		golden.Seed(w, "FuzzX", "seed", "a", tc.argument)
		expect(t, name, w.said, tc.said)
	}
}

func expect(t *testing.T, name, said, want string) {
	t.Helper()
	if !strings.Contains(said, want) || (said == "") != (want == "") {
		t.Errorf("%s: said %q, want %q", name, said, want)
	}
}
