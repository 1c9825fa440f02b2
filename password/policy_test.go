package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// passphrase is long, and weak in no way.
const passphrase = "gravel lantern oboe thursday"

// code is the refusal's code, or "" when there was no refusal.
func code(t *testing.T, err error) Code {
	t.Helper()
	if err == nil {
		return ""
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("error %v is no *Refusal", err)
	}
	if refusal.Reason == "" || refusal.Error() != refusal.Reason || len(refusal.Suggestions) == 0 {
		t.Errorf("refusal %+v lacks a reason or a suggestion", refusal)
	}
	return refusal.Code
}

// security 13: the length bounds, no composition rules, Unicode and spaces allowed,
// control characters refused, each with a reason.
func TestCheck(t *testing.T) {
	t.Parallel()
	single, second := DefaultPolicy(), DefaultPolicy()
	second.MinLength = MinLengthWithMFA
	for _, c := range []struct {
		name     string
		policy   Policy
		password string
		want     Code
	}{
		{"a passphrase", single, passphrase, ""},
		{"lower case only", single, "gravellanternoboe", ""},
		{"spaces at the ends", single, " gravel lantern oboe ", ""},
		{"other scripts", single, "гравий фонарь гобой", ""},
		{"emoji", single, strings.Repeat("🦉🪨🕯🎻👩‍🚀", 3), ""},
		{"nothing", single, "", TooShort},
		{"14 code points", single, "gravel-lantern", TooShort},
		{"15 code points", single, "gravel-lanterns", ""},
		{"14 code points of 2 bytes", single, "гравийфонарьго", TooShort},
		{"7 code points with a second factor", second, "grav-el", TooShort},
		{"8 code points with a second factor", second, "grav-elo", ""},
		{"1,024 bytes", single, passphrase + strings.Repeat("x", 1024-len(passphrase)), ""},
		{"1,025 bytes", single, passphrase + strings.Repeat("x", 1025-len(passphrase)), TooLong},
		{"a line break", single, passphrase + "\n", Invalid},
		{"a tab", single, "gravel\tlantern oboe", Invalid},
		{"a NUL", single, passphrase + "\x00more", Invalid},
		{"a C1 control character", single, passphrase + "\u0085", Invalid},
		{"no UTF-8", single, passphrase + "\xff", Invalid},
		{"what JSON made of no UTF-8", single, passphrase + "\uFFFD", Invalid},
		{"the zero policy", Policy{}, passphrase, TooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := code(t, c.policy.Check(c.password)); got != c.want {
				t.Errorf("Check says %q, want %q", got, c.want)
			}
		})
	}
}

// security 13: the length is that of the typed or of the hashed form, whichever is less. The
// upper bound is of the hashed form (NIST SP 800-63B-4 counts each code point of the password).
func TestBoundsAfterNormalization(t *testing.T) {
	t.Parallel()
	p, bcrypt := DefaultPolicy(), DefaultPolicy()
	bcrypt.MaxBytes = Bcrypt{}.MaxBytes()
	for _, c := range []struct {
		name   string
		policy Policy
		typed  string
		want   Code
	}{
		{"1 key that is 18 code points", p, "\uFDFA", TooShort},
		{"4 squared katakana that are 15 or more", p, "\u3300\u3301\u3302\u3303", TooShort},
		{"14 ligatures that are 28 letters", p, "ﬁﬂﬁﬁﬂﬂﬁﬂﬁﬂﬂﬁﬁﬂ", TooShort},
		{"28 code points that are 14", p, strings.Repeat("e\u0301", 14), TooShort},
		{"30 code points that are 15", p, "e\u0301a\u0300o\u0302e\u0308i\u0308u\u0302a\u0302o\u0308e\u0300u\u0308n\u0303c\u0327e\u0302i\u0302a\u0308", ""},
		{"171 bytes that are 1,881", p, strings.Repeat("ﷺ", 57), TooLong},
		{"72 bytes of what is hashed, 88 typed", bcrypt, "gravel lantern oboe thursday plum velvet" + strings.Repeat("ａ", 8) + strings.Repeat("b", 24), ""},
		{"73 bytes of what is hashed", bcrypt, "gravel lantern oboe thursday plum velvet" + strings.Repeat("ａ", 8) + strings.Repeat("b", 25), TooLong},
		{"30 bytes that are 300", bcrypt, strings.Repeat("ﷺ", 15), TooLong},
	} {
		if got := code(t, c.policy.Check(c.typed)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// security 39: "é" typed as two code points at reset signs in as one.
func TestSignInWithTheOtherForm(t *testing.T) {
	t.Parallel()
	p, costs := DefaultPolicy(), Params{Memory: 64, Time: 1, Threads: 1}
	for _, pair := range [][2]string{
		{"cafe\u0301 gravel lantern", "café gravel lantern"},
		{"ｇｒａｖｅｌ　ｌａｎｔｅｒｎ", "gravel lantern"},
		{"ﬁne gravel lantern", "fine gravel lantern"},
	} {
		phc := costs.Hash(p.Normalize(pair[0]), []byte("0123456789abcdef"))
		ok, err := Verify(phc, p.Normalize(pair[1]))
		if err != nil || !ok {
			t.Errorf("set as %+q, signed in as %+q: %v, %v", pair[0], pair[1], ok, err)
		}
	}
}

// security 13, 14: the texts that a person reads.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	want := &Refusal{TooShort, "The password is too short.", []string{"Use at least 15 characters.", fewWords}}
	if diff := cmp.Diff(error(want), p.Check("short")); diff != "" {
		t.Error(diff)
	}
	want = &Refusal{TooLong, "The password is too long.", []string{
		"Use at most 1,024 characters; those beyond plain English letters count as two to four.",
	}}
	if diff := cmp.Diff(error(want), p.Check(strings.Repeat("x", 1025))); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkCheck(b *testing.B) {
	p := DefaultPolicy()
	for b.Loop() {
		if err := p.Check(passphrase); err != nil {
			b.Fatal(err)
		}
	}
}
