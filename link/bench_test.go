package link_test

import (
	"testing"

	"github.com/rekeyhq/rekey/link"
)

func BenchmarkSeal(b *testing.B) {
	box := newBox(b, frozenKey(b), base, namespace)
	b.ReportAllocs()
	for b.Loop() {
		seal(b, box, link.Reset, claims())
	}
}

// BenchmarkOpen is the cost of every page view and submission before any call.
func BenchmarkOpen(b *testing.B) {
	box := newBox(b, frozenKey(b), base, namespace)
	text := seal(b, box, link.Reset, claims()).Text()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := box.Open(link.Reset, text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenForged is the dearest forgery: the key's own prefix and a wrong tag.
func BenchmarkOpenForged(b *testing.B) {
	box := newBox(b, frozenKey(b), base, namespace)
	text := seal(b, box, link.Cancel, claims()).Text()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := box.Open(link.Reset, text); err == nil {
			b.Fatal("opened")
		}
	}
}

// Tink makes eight of them. The others are the bytes of the token, the function that hides them,
// and one string for all claims.
func TestOpenTakesFewAllocations(t *testing.T) {
	box := newBox(t, frozenKey(t), base, namespace)
	text := seal(t, box, link.Reset, claims()).Text()
	if got := testing.AllocsPerRun(100, func() {
		if _, _, err := box.Open(link.Reset, text); err != nil {
			t.Fatal(err)
		}
	}); got > 11 {
		t.Errorf("%v allocations, want at most 11", got)
	}
}
