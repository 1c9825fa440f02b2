package link_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/link"
)

// frozenToken was sealed once under frozenKey and committed. To make it and the seeds
// again: go test ./link -run 'TestFrozenToken|TestSeedCorpus' -update
func frozenToken(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "token.golden"))
	check(tb, err)
	return strings.TrimSpace(string(text))
}

// A token of an earlier release still opens. When this fails, an upgrade breaks all
// links that are under way: make the token again only if that is meant.
func TestFrozenToken(t *testing.T) { // not parallel: TestSeedCorpus reads its output
	b := newBox(t, frozenKey(t), base, namespace)
	if *golden.Update {
		text := seal(t, b, link.Reset, claims()).Text()
		check(t, os.WriteFile(filepath.Join("testdata", "token.golden"), []byte(text+"\n"), 0o644))
	}
	got, _, err := b.Open(link.Reset, frozenToken(t))
	check(t, err)
	if diff := cmp.Diff(claims(), got); diff != "" {
		t.Error(diff)
	}
}

// seeds are where fuzzing begins: the frozen token and its near misses.
func seeds(tb testing.TB) map[string]string {
	tb.Helper()
	token := frozenToken(tb)
	return map[string]string{
		"token":         token,
		"empty":         "",
		"one-character": token[:1],
		"shortest":      token[:60],
		"too-short":     token[:59],
		"too-long":      strings.Repeat("A", 602),
		"longest":       strings.Repeat("A", 600),
		"first-changed": "B" + token[1:],
		"tag-missing":   token[:len(token)-22],
		"line-break":    token[:76] + "\r\n" + token[76:],
		"padded":        token + "=",
		"twice":         token + token,
		"percent":       "%41" + token,
		"url":           base + "/account/change-password/" + token,
		"not-utf8":      "\xff" + token,
		"nul":           token + "\x00",
		"slash":         token + "/",
		"bracket":       token + "%3E.",
	}
}

func TestSeedCorpus(t *testing.T) {
	for name, text := range seeds(t) {
		golden.Seed(t, "FuzzOpen", name, text)
	}
}

// FuzzOpen: the sealed text opens, alone or before a character that no token has. All other
// texts are ErrInvalid and give nothing.
func FuzzOpen(f *testing.F) {
	b, sealed := newBox(f, frozenKey(f), base, namespace), frozenToken(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, token, err := b.Open(link.Reset, text)
		begins := regexp.MustCompile("^[A-Za-z0-9_-]*").FindString(text) == sealed && len(text) <= 700
		switch {
		case begins && (err != nil || c != claims() || token.Text() != sealed):
			t.Errorf("the token does not open: %v", err)
		case !begins && (!errors.Is(err, link.ErrInvalid) || c != (link.Claims{}) || token.Text() != ""):
			t.Errorf("%q opens", text)
		}
		if _, _, err := b.Open(link.Cancel, text); !errors.Is(err, link.ErrInvalid) {
			t.Errorf("%q opens as a cancel link", text)
		}
	})
}
