package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/storetest"
)

func TestParseLocale(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"": "", "de": "de", "pt-BR": "pt-BR", "zh-Hans-CN": "zh-Hans-CN", "de_DE": "de-DE", "es-419": "es-419",
		strings.Repeat("a", 35): strings.Repeat("a", 35), strings.Repeat("a", 36): "",
		"de_DE.UTF-8": "", "de, en;q=0.5": "", "../de": "", "d\u00e9": "", "de\n": "", "de\x00": "", " de": "",
	} {
		if got := account.ParseLocale(tag); got != want {
			t.Errorf("%q is read as %q, want %q", tag, got, want)
		}
	}
}

// An application in Go may write any text.
func TestBesideReadsLocales(t *testing.T) {
	t.Parallel()
	host := storetest.NewMemory()
	store := account.Beside(host, nil)
	for stored, want := range map[string]string{"pt_BR": "pt-BR", "<b>de</b>": ""} {
		err := host.Put(t.Context(), account.Account{ID: "ann", Address: "ann@example.com", Locale: stored})
		if err != nil {
			t.Fatal(err)
		}
		one, err := store.Account(t.Context(), "ann")
		if err != nil || one.Locale != want {
			t.Errorf("account: %q is read as %q (%v), want %q", stored, one.Locale, err, want)
		}
		found, err := store.Find(context.WithoutCancel(t.Context()), "ann@example.com")
		if err != nil || len(found) != 1 || found[0].Locale != want {
			t.Errorf("find: %q is read as %+v (%v), want %q", stored, found, err, want)
		}
	}
}
