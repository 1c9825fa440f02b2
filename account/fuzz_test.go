package account_test

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/golden"
)

// FuzzParseAddress: what is taken is in its final form, ASCII, without anything that
// could end a header or an SMTP command, and what the standard library takes too.
func FuzzParseAddress(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		got, err := account.ParseAddress(s)
		if err != nil {
			if !errors.Is(err, account.ErrAddress) || got != "" {
				t.Errorf("%q: %q, %v", s, got, err)
			}
			return
		}
		if again, err := account.ParseAddress(got); err != nil || again != got {
			t.Errorf("%q is %q, which is %q, %v", s, got, again, err)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f || 'A' <= r && r <= 'Z' }) {
			t.Errorf("%q is %q", s, got)
		}
		if oracle, err := mail.ParseAddress(got); err != nil || oracle.Address != got || oracle.Name != "" {
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
	for i, pair := range accepted() {
		all[fmt.Sprintf("accepted-%02d", i)] = pair[0]
	}
	return all
}
