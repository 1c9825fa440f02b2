package password

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func listed() []string { return strings.Split(strings.TrimSuffix(blockListText, "\n"), "\n") }

// security 14: the 3,000 commonest passwords that pass the length rule. The counts are those of
// the source; see blockListText.
func TestBlockListHolds(t *testing.T) {
	t.Parallel()
	for minLength, want := range map[int]int{8: 3000, 9: 3000, 10: 1557, 11: 615, 12: 308, 13: 105, 14: 66, 15: 41} {
		got := 0
		for _, password := range listed() {
			if utf8.RuneCountInString(password) >= minLength {
				got++
			}
		}
		if got < want {
			t.Errorf("%d passwords of %d characters or more, want %d", got, minLength, want)
		}
	}
}

func TestBlockListIsFolded(t *testing.T) {
	t.Parallel()
	lines := listed()
	for _, password := range lines {
		if password == "" || strings.ToLower(norm.NFKC.String(password)) != password {
			t.Errorf("line %q is not folded", password)
		}
	}
	slices.Sort(lines)
	if unique := slices.Compact(slices.Clone(lines)); len(unique) != len(lines) {
		t.Errorf("%d lines twice", len(lines)-len(unique))
	}
}

// security 14: every listed password that passes the length rule is refused, in upper
// case too.
func TestListedPasswordsAreBlocked(t *testing.T) {
	t.Parallel()
	for _, minLength := range []int{DefaultMinLength, MinLengthWithMFA} {
		p, blocked := DefaultPolicy(), 0
		p.MinLength = minLength
		for _, password := range listed() {
			if utf8.RuneCountInString(password) < minLength {
				continue
			}
			blocked++
			for _, spelling := range []string{password, strings.ToUpper(password)} {
				if got := code(t, p.Check(spelling)); got != Blocked {
					t.Errorf("%q: %q, want %q", spelling, got, Blocked)
				}
			}
		}
		if blocked == 0 {
			t.Errorf("nothing of %d characters is listed", minLength)
		}
	}
}

// security 14: comparison is on the folded form, and a listed password written several
// times is listed.
func TestSpellingsOfListedPasswords(t *testing.T) {
	t.Parallel()
	list := loadBlockList()
	for _, password := range []string{
		"password", "PassWord", "ｐａｓｓｗｏｒｄ", "passwordpassword", "passwordPASSWORDpassword", "passwordpasswordpass",
	} {
		if !list.has(password) {
			t.Errorf("%q is not listed", password)
		}
	}
	for _, password := range []string{"", passphrase, "password gravel", "gravel password", "passwor"} {
		if list.has(password) {
			t.Errorf("%q is listed", password)
		}
	}
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"": "", "a": "a", "aa": "a", "aaa": "a", "abab": "ab", "abcabcab": "abc", "abca": "abca", "abcab": "abcab",
		"éé": "é", "aba": "aba",
	} {
		if got := period(s); got != want {
			t.Errorf("period(%q) = %q, want %q", s, got, want)
		}
	}
}

func BenchmarkBlockList(b *testing.B) {
	list := loadBlockList()
	for b.Loop() {
		if list.has(passphrase) {
			b.Fatal("listed")
		}
	}
}
