package breached

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var wellFormed = regexp.MustCompile(`^([0-9A-Fa-f]{35}:\d+\r?\n)*[0-9A-Fa-f]{35}:\d+(\r?\n|\r)?$`)

// FuzzScan reads any answer of a server for the range of "password". An accepted answer is
// well formed, and holds the rest of the hash with a count exactly when it is found. The seeds
// are in testdata, and short: long ones keep the fuzzer from trying many.
func FuzzScan(f *testing.F) {
	sum := sha1.Sum([]byte("password"))
	hit := regexp.MustCompile(`(?mi)^1E4C9B93F3F0682250B6CF8331B7EE68FD8:0*[1-9]`)
	f.Fuzz(func(t *testing.T, answer []byte) {
		found, err := scan(bytes.NewReader(answer), sum)
		if err != nil {
			if found {
				t.Error("found in what is not taken")
			}
			return
		}
		if !wellFormed.Match(answer) {
			t.Errorf("taken: %q", answer)
		}
		if found != hit.Match(answer) {
			t.Errorf("found %v in %q", found, answer)
		}
	})
}

// The memory that an answer takes does not grow with it.
func TestScanInConstantMemory(t *testing.T) {
	sum := sha1.Sum([]byte(known))
	small, large := padded(), strings.Repeat(padded()+"\n", 20)
	allocs := func(answer string) float64 {
		return testing.AllocsPerRun(5, func() {
			if _, err := scan(strings.NewReader(answer), sum); err != nil {
				t.Fatal(err)
			}
		})
	}
	if a, b := allocs(small), allocs(large); b > a+50 { // 15,000 lines more, and the runtime's own
		t.Errorf("%v allocations for %d bytes, %v for %d", a, len(small), b, len(large))
	}
}

// A range as long as they are now.
func BenchmarkScan(b *testing.B) {
	sum := sha1.Sum([]byte(known))
	var answer strings.Builder
	for i := range 2200 {
		fmt.Fprintf(&answer, "%035X:%d\r\n", i, i)
	}
	b.SetBytes(int64(answer.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scan(strings.NewReader(answer.String()), sum); err != nil {
			b.Fatal(err)
		}
	}
}

// A check with HTTP on loopback.
func BenchmarkCheck(b *testing.B) {
	c := corpus(b, serve(b, honest).URL)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Check(b.Context(), unknown); err != nil {
			b.Fatal(err)
		}
	}
}
