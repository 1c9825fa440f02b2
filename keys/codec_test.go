package keys_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/rekeyhq/rekey/keys"
)

// A payload comes back as it was, and shows neither its data nor its metadata meanwhile.
func TestCodec(t *testing.T) {
	t.Parallel()
	c := codec(t, newKeys(t))
	in := []*commonpb.Payload{
		inClear(t, "owner@example.com"),
		{Metadata: map[string][]byte{"encoding": []byte("binary/rekey-v1"), "owner": []byte("owner@example.com")}},
		{},
	}
	before := []*commonpb.Payload{proto.CloneOf(in[0]), proto.CloneOf(in[1]), proto.CloneOf(in[2])}
	sealed, err := c.Encode(in)
	check(t, err)
	for _, p := range sealed {
		if diff := cmp.Diff(ours(p.Data), p, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
		if bytes.Contains(p.Data, []byte("owner")) || bytes.Contains(p.Data, []byte("json/plain")) {
			t.Error("the sealed payload can be read")
		}
	}
	out, err := c.Decode(sealed)
	check(t, err)
	if diff := cmp.Diff(before, out, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, in, protocmp.Transform()); diff != "" {
		t.Errorf("what was sealed has changed: %s", diff)
	}
}

func TestCodecSealsAnew(t *testing.T) {
	t.Parallel()
	c := codec(t, newKeys(t))
	if bytes.Equal(seal(t, c, "text"), seal(t, c, "text")) {
		t.Error("equal payloads look equal")
	}
}

// security 27: all invented payloads are refused. A run must not wait for one that looks sealed
// under a future key.
func TestCodecRefusesStrangers(t *testing.T) {
	t.Parallel()
	c := codec(t, newKeys(t))
	sealed := seal(t, c, "text")
	strangers := map[string]*commonpb.Payload{
		"nil":                   nil,
		"empty":                 {},
		"in clear":              inClear(t, "text"),
		"nothing":               ours(nil),
		"in clear, our name":    ours(inClear(t, "text").Data),
		"no tag":                ours(sealed[tagLen:]),
		"tag only":              ours(sealed[:tagLen]),
		"cut short":             ours(sealed[:len(sealed)-1]),
		"longer":                ours(append(slices.Clone(sealed), 0)),
		"zeros":                 ours(make([]byte, len(sealed))),
		"a key that is to come": ours(madeUp(sealed)),
		"other encoding":        {Metadata: map[string][]byte{"encoding": []byte("binary/rekey-v2")}, Data: sealed},
		"other deployment":      ours(seal(t, codec(t, newKeys(t)), "text")),
	}
	for name, p := range strangers {
		text, err := decode(c, p)
		if !errors.Is(err, keys.ErrForeign) || errors.Is(err, keys.ErrUnknownKey) || text != "" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
}

// tagLen is the length of the MAC before Tink's ciphertext.
const tagLen = 16

// madeUp is a payload with the ID of a key that no process has.
func madeUp(sealed []byte) []byte {
	bent := slices.Clone(sealed)
	id := bent[tagLen+1 : tagLen+5]
	binary.BigEndian.PutUint32(id, binary.BigEndian.Uint32(id)+1)
	return bent
}

func TestCodecRefusesTampering(t *testing.T) {
	t.Parallel()
	c := codec(t, newKeys(t))
	sealed := seal(t, c, "text")
	for i := range sealed {
		bent := slices.Clone(sealed)
		bent[i] ^= 1
		if _, err := decode(c, ours(bent)); !errors.Is(err, keys.ErrForeign) || errors.Is(err, keys.ErrUnknownKey) {
			t.Errorf("byte %d changed: %v", i, err)
		}
	}
}

// security 27 and 37: with every set of keys a worker tells sealed payloads from foreign ones.
// That keeps replays alike on all workers.
func TestCodecAges(t *testing.T) {
	t.Parallel()
	a := newAges(t, newKeys(t))
	c := codec(t, a.dir)
	for age, want := range map[string]error{
		"older": nil, "primary": nil, "newer": keys.ErrUnknownKey, "retired": keys.ErrForeign,
	} {
		text, err := decode(c, ours(a.payloads[age]))
		if !errors.Is(err, want) || err == nil && text != age {
			t.Errorf("%s: %q, %v", age, text, err)
		}
	}
}

// One payload that does not open refuses all: half of the arguments is worse than none.
func TestCodecRefusesAll(t *testing.T) {
	t.Parallel()
	c := codec(t, newKeys(t))
	good := ours(seal(t, c, "text"))
	opened, err := c.Decode([]*commonpb.Payload{good, inClear(t, "text"), good})
	if !errors.Is(err, keys.ErrForeign) || opened != nil {
		t.Errorf("%v, %v", opened, err)
	}
}

// security 28: the payload keyset opens the payload and not the submission in it.
func TestSubmissionsAreSealedTwice(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	c, p := codec(t, dir), newPassword()
	submission, err := sealer(t, dir).Seal(p, run)
	check(t, err)
	payload, err := c.Encode([]*commonpb.Payload{{Data: submission}})
	check(t, err)
	opened, err := c.Decode(payload)
	check(t, err)
	if bytes.Contains(opened[0].Data, []byte("argon2id")) {
		t.Error("the payload keyset shows the password hash")
	}
	if _, err := decode(c, ours(submission)); !errors.Is(err, keys.ErrForeign) {
		t.Errorf("the codec opens a submission: %v", err)
	}
}
