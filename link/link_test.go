package link_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/link"
)

func TestOpenGivesBackWhatWasSealed(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	for _, p := range []link.Purpose{link.Reset, link.Cancel} {
		sealed := seal(t, b, p, claims())
		got, opened, err := b.Open(p, sealed.Text())
		check(t, err)
		if diff := cmp.Diff(claims(), got); diff != "" {
			t.Error(diff)
		}
		if opened.Text() != sealed.Text() || opened.Digest() != sealed.Digest() {
			t.Error("the opened token is another one")
		}
	}
}

// security 4: the same claims never make the same token. Tokens differ in at least the 24 bytes
// of nonce behind the key's prefix of 5.
func TestEachTokenIsAnother(t *testing.T) {
	t.Parallel()
	b, nonces := newBox(t, frozenKey(t), base, namespace), map[string]bool{}
	for range 100 {
		raw, err := base64.RawURLEncoding.DecodeString(seal(t, b, link.Reset, claims()).Text())
		check(t, err)
		nonces[string(raw[5:29])] = true
	}
	if len(nonces) != 100 {
		t.Errorf("%d nonces in 100 tokens", len(nonces))
	}
}

// security 4, 29: a token opens only for its purpose, base URL, namespace and key. The
// last pair would be the same bytes if the parts were merely joined.
func TestTokenIsBoundToItsContext(t *testing.T) {
	t.Parallel()
	key := frozenKey(t)
	token := seal(t, newBox(t, key, base+"/a", "b"), link.Reset, claims())
	for name, other := range map[string]struct {
		purpose         link.Purpose
		base, namespace string
		opens           bool
	}{
		"same":              {link.Reset, base + "/a", "b", true},
		"cancel":            {link.Cancel, base + "/a", "b", false},
		"no purpose":        {"", base + "/a", "b", false},
		"other host":        {link.Reset, "https://example.org/a", "b", false},
		"other scheme":      {link.Reset, "http://example.com/a", "b", false},
		"other path":        {link.Reset, base + "/b", "b", false},
		"other namespace":   {link.Reset, base + "/a", "c", false},
		"boundary is moved": {link.Reset, base, "/ab", false},
	} {
		_, _, err := newBox(t, key, other.base, other.namespace).Open(other.purpose, token.Text())
		if other.opens && err != nil || !other.opens && !errors.Is(err, link.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// security 4: one changed bit anywhere, a missing end or a longer one, and it is no
// token any more.
func TestAlteredTokensAreInvalid(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	raw, err := base64.RawURLEncoding.DecodeString(seal(t, b, link.Reset, claims()).Text())
	check(t, err)
	refused := func(what string, n int, bytes []byte) {
		text := base64.RawURLEncoding.EncodeToString(bytes)
		if c, token, err := b.Open(link.Reset, text); !errors.Is(err, link.ErrInvalid) || c != (link.Claims{}) || token.Text() != "" {
			t.Errorf("%s %d: %v, %v", what, n, c, err)
		}
	}
	for i := range len(raw) * 8 {
		raw[i/8] ^= 1 << (i % 8)
		refused("bit", i, raw)
		raw[i/8] ^= 1 << (i % 8)
	}
	for n := range raw {
		refused("cut at", n, raw[:n])
	}
	refused("longer by", 1, append(raw, 0))
}

// security 4: a token has one spelling only.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	// An address of one byte more makes the last character carry two bits only.
	c := claims()
	c.Address = "bada@example.com"
	text := seal(t, b, link.Reset, c).Text()
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	for name, other := range map[string]string{
		"line feed inside":       text[:70] + "\n" + text[70:],
		"carriage return inside": text[:70] + "\r" + text[70:],
		"space in front":         " " + text,
		"hyphen behind":          text + "-",
		"underline behind":       text + "_",
		"unused last bits":       text[:len(text)-1] + alphabet[last+1:last+2],
		"standard alphabet":      strings.NewReplacer("-", "+", "_", "/").Replace(text[:100]) + "+/" + text[102:],
		"much behind":            text + strings.Repeat(" ", 700-len(text)+1),
	} {
		if _, _, err := b.Open(link.Reset, other); !errors.Is(err, link.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// security 4: a character that no token has ends one. Characters that other programs leave at
// the end of a link make no second token of it.
func TestTail(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	sealed := seal(t, b, link.Reset, claims())
	for _, tail := range []string{
		"/", "//", ".", ",", ":", ";", "!", "?", ")", "]", "}", ">", "\"", "'", "*", "~", "\u201d", "\u3002", "\u00bb", "\u2026", "\xa0", "\u00a0",
		"%3E", "%3e.", "&gt;", ">.", "/>", "=", "==", " ", "\r\n", "\n\nThe link works for 30 minutes", "?utm_source=mail&utm_medium=reset", "#top",
		strings.Repeat(" ", 100),
	} {
		got, opened, err := b.Open(link.Reset, sealed.Text()+tail)
		if err != nil || got != claims() || opened.Text() != sealed.Text() || opened.Digest() != sealed.Digest() {
			t.Errorf("%q behind a token: %v", tail, err)
		}
	}
}

// security 4: a text that is too short or too long is refused before it is read.
func TestLengthIsJudgedFirst(t *testing.T) {
	t.Parallel()
	for n, calls := range map[int]int{0: 0, 59: 0, 60: 1, 600: 1, 602: 0, 700: 0, 1 << 20: 0} {
		f := &fakeAEAD{plain: make([]byte, 40)}
		_, _, err := newBox(t, f, base, namespace).Open(link.Reset, strings.Repeat("A", n))
		if f.calls != calls || (err == nil) != (calls == 1) {
			t.Errorf("%d characters: %d calls, %v", n, f.calls, err)
		}
	}
}

func TestUnknownPurposeIsNotRead(t *testing.T) {
	t.Parallel()
	f := &fakeAEAD{plain: make([]byte, 40)}
	_, _, err := newBox(t, f, base, namespace).Open("login", strings.Repeat("A", 100))
	if f.calls != 0 || !errors.Is(err, link.ErrInvalid) {
		t.Errorf("%d calls, %v", f.calls, err)
	}
}

// A mail program breaks long lines; an address of 254 bytes (RFC 5321 section 4.5.3.1.3
// less the angle brackets) still fits.
func TestLengthOfALink(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	if n := len(seal(t, b, link.Reset, claims()).Text()); n > 140 {
		t.Errorf("%d characters for a common address", n)
	}
	c := claims()
	c.Address = strings.Repeat("a", 254)
	if _, _, err := b.Open(link.Reset, seal(t, b, link.Reset, c).Text()); err != nil {
		t.Errorf("the longest address: %v", err)
	}
}

func TestSealRefusesWhatOpenWould(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	with := func(change func(*link.Claims)) link.Claims {
		c := claims()
		change(&c)
		return c
	}
	for name, c := range map[string]link.Claims{
		"run ID is no UUID":         with(func(c *link.Claims) { c.RunID = "run-1" }),
		"run ID in braces":          with(func(c *link.Claims) { c.RunID = "{" + c.RunID + "}" }),
		"run ID in upper case":      with(func(c *link.Claims) { c.RunID = strings.ToUpper(c.RunID) }),
		"account key is short":      with(func(c *link.Claims) { c.AccountKey = c.AccountKey[2:] }),
		"account key is long":       with(func(c *link.Claims) { c.AccountKey += "00" }),
		"account key in upper case": with(func(c *link.Claims) { c.AccountKey = strings.ToUpper(c.AccountKey) }),
		"account key is no hex":     with(func(c *link.Claims) { c.AccountKey = strings.Repeat("x", 32) }),
		"address is too long":       with(func(c *link.Claims) { c.Address = strings.Repeat("a", 400) }),
	} {
		if _, err := b.Seal(link.Reset, c); err == nil || strings.Contains(err.Error(), c.Address) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Seal("login", claims()); err == nil {
		t.Error("sealed for no purpose")
	}
}
