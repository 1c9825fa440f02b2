package keys_test

import (
	"testing"

	commonpb "go.temporal.io/api/common/v1"
)

// text is about as long as a payload of a run.
const text = "a payload of a run: workflow input, activity result, an update's answer; about as long as this sentence is, or twice that, so twice: " +
	"a payload of a run: workflow input, activity result, an update's answer; about as long as this sentence is, or twice that, so twice."

func BenchmarkEncode(b *testing.B) {
	c, in := codec(b, newKeys(b)), []*commonpb.Payload{inClear(b, text)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Encode(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	c := codec(b, newKeys(b))
	in := []*commonpb.Payload{ours(seal(b, c, text))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeMadeUp is the cost of an invented payload.
func BenchmarkDecodeMadeUp(b *testing.B) {
	c := codec(b, newKeys(b))
	in := []*commonpb.Payload{ours(madeUp(seal(b, c, text)))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(in); err == nil {
			b.Fatal("opened")
		}
	}
}

func BenchmarkSealSubmission(b *testing.B) {
	s, p := sealer(b, newKeys(b)), newPassword()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(p, run); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpenSubmission(b *testing.B) {
	dir := newKeys(b)
	sealed, err := sealer(b, dir).Seal(newPassword(), run)
	check(b, err)
	o := opener(b, dir)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := o.Open(sealed, run); err != nil {
			b.Fatal(err)
		}
	}
}
