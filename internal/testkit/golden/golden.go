// Package golden compares a test's results with files in the package's folder testdata. With
// the test flag -update it writes them anew.
package golden

import (
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Update says that the files are to be written anew.
var Update = flag.Bool("update", false, "write the golden files, frozen values and seed corpora anew")

// Check compares a text with a file of testdata, whose path there has slashes.
func Check(tb testing.TB, file, got string) {
	tb.Helper()
	place := filepath.Join("testdata", filepath.FromSlash(file))
	if *Update {
		if err := write(place, got); err != nil {
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(place)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		tb.Errorf("%s (-want +got), -update writes it anew:\n%s", place, diff)
	}
}

// Seed compares a file of a fuzz target's committed seed corpus with the target's
// arguments, each a string or a []byte.
func Seed(tb testing.TB, target, name string, arguments ...any) {
	tb.Helper()
	var b strings.Builder
	b.WriteString("go test fuzz v1\n")
	for _, a := range arguments {
		kind := "string"
		if _, ok := a.([]byte); ok {
			kind = "[]byte"
		}
		fmt.Fprintf(&b, "%s(%q)\n", kind, a)
	}
	Check(tb, path.Join("fuzz", target, name), b.String())
}

func write(place, text string) error {
	if err := os.MkdirAll(filepath.Dir(place), 0o750); err != nil {
		return err
	}
	return os.WriteFile(place, []byte(text), 0o600)
}
