package account_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
)

// FuzzParseAddress: an accepted address is in its final form and holds nothing that could end a
// header or an SMTP command. The standard library reads its deliverable form as one address. An
// address that 0.2.0 took stays as it was there: workflow IDs are made of it.
func FuzzParseAddress(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		got, err := account.ParseAddress(s)
		if was, ok := released(s); ok && (err != nil || got != was) {
			t.Errorf("%q was %q and is %q, %v", s, was, got, err)
		}
		if err != nil {
			if !errors.Is(err, account.ErrAddress) || got != "" {
				t.Errorf("%q: %q, %v", s, got, err)
			}
			return
		}
		if again, err := account.ParseAddress(got); err != nil || again != got {
			t.Errorf("%q is %q, which is %q, %v", s, got, again, err)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) || 'A' <= r && r <= 'Z' }) || !utf8.ValidString(got) {
			t.Errorf("%q is %q", s, got)
		}
		written := got
		if !strings.HasPrefix(got, `"`) {
			written = (&mail.Address{Address: got}).String()
		}
		oracle, err := mail.ParseAddressList(written)
		if err != nil || len(oracle) != 1 || oracle[0].Name != "" {
			t.Errorf("%q is %q, of which net/mail says %v, %v", s, got, oracle, err)
		}
	})
}

// The seeds are the addresses of the other tests. To write them again:
// go test ./account -run TestSeedCorpus -update
func TestSeedCorpus(t *testing.T) {
	t.Parallel()
	for name, text := range seeds() {
		golden.Seed(t, "FuzzParseAddress", name, text)
	}
}

func seeds() map[string]string {
	all := map[string]string{}
	for what, text := range refused() {
		all["refused-"+strings.ReplaceAll(what, " ", "-")] = text
	}
	for in := range unusual() {
		all[fmt.Sprintf("unusual-%x", sha256.Sum256([]byte(in)))[:16]] = in
	}
	for i, pair := range accepted() {
		all[fmt.Sprintf("accepted-%02d", i)] = pair[0]
	}
	return all
}
