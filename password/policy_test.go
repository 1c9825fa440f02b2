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

// security 13: the bounds hold for the normalized form, which may be longer or shorter
// than what was typed.
func TestBoundsAfterNormalization(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	decomposed := strings.Repeat("e\u0301", 14) // 28 code points typed, 14 in NFKC
	if got := code(t, p.Check(p.Normalize(decomposed))); got != TooShort {
		t.Errorf("28 code points that are 14: %q, want %q", got, TooShort)
	}
	ligatures := strings.Repeat("ﷺ", 57) // 171 bytes typed, 57*33 in NFKC
	if got := code(t, p.Check(p.Normalize(ligatures))); got != TooLong {
		t.Errorf("171 bytes that are %d: %q, want %q", len(p.Normalize(ligatures)), got, TooLong)
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

// security 13, 14: what a person is told.
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
