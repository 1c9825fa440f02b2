package link_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xaesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rekeyhq/rekey/link"
)

const (
	base      = "https://example.com"
	namespace = "default"
)

func claims() link.Claims {
	return link.Claims{
		RunID:      "0198c2f0-5a3b-7c4d-8e9f-0123456789ab",
		AccountKey: "00112233445566778899aabbccddeeff",
		Expires:    time.Date(2030, time.May, 1, 12, 30, 0, 0, time.UTC),
		Address:    "ada@example.com",
	}
}

// frozenKey is the same key in every test run, so that committed tokens still open. Its
// kind is the one of link.json: XAES-256-GCM with 192 bits of nonce.
func frozenKey(tb testing.TB) tink.AEAD {
	tb.Helper()
	kind, err := xaesgcm.NewParameters(xaesgcm.VariantTink, 12)
	check(tb, err)
	secret := secretdata.NewBytesFromData(bytes.Repeat([]byte{7}, 32), insecuresecretdataaccess.Token{})
	key, err := xaesgcm.NewKey(secret, 0x01020304, kind)
	check(tb, err)
	m := keyset.NewManager()
	id, err := m.AddKey(key)
	check(tb, err)
	check(tb, m.SetPrimary(id))
	h, err := m.Handle()
	check(tb, err)
	a, err := aead.New(h)
	check(tb, err)
	return a
}

func newBox(tb testing.TB, a tink.AEAD, base, namespace string) *link.Box {
	tb.Helper()
	b, err := link.New(a, link.MustParseBaseURL(base), namespace)
	check(tb, err)
	return b
}

func seal(tb testing.TB, b *link.Box, p link.Purpose, c link.Claims) link.Token {
	tb.Helper()
	token, err := b.Seal(p, c)
	check(tb, err)
	return token
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// fakeAEAD counts what reaches it and opens everything as plain.
type fakeAEAD struct {
	plain []byte
	calls int
}

func (f *fakeAEAD) Encrypt(plain, _ []byte) ([]byte, error) { return plain, nil }

func (f *fakeAEAD) Decrypt(_, _ []byte) ([]byte, error) {
	f.calls++
	return f.plain, nil
}
