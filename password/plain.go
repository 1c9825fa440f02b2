package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plain is the beginning of a password in characters that zxcvbn-go can count. It takes bytes
// for code points in places, so sixteen times "é" would pass as strong. Hence each letter
// beyond ASCII becomes a control character. No password has one, there are enough for 32 code
// points, and zxcvbn-go reckons them as symbols.
type plain struct {
	text    string
	letters map[rune]rune
}

func newPlain(password string) plain {
	p := plain{letters: map[rune]rune{}}
	head := beginning(password, judged)
	for _, r := range head {
		if r = fold(r); r >= utf8.RuneSelf && p.letters[r] == 0 {
			p.letters[r] = rune(1 + len(p.letters)) //nolint:gosec // no password has 2^31 letters
		}
	}
	p.text = p.write(head)
	return p
}

// write replaces the letters that the password has; others stay and match nothing.
func (p plain) write(s string) string {
	return strings.Map(func(r rune) rune {
		r = fold(r)
		if c, ok := p.letters[r]; ok {
			return c
		}
		return r
	}, s)
}

// fold is the lower case of a letter beyond ASCII. zxcvbn-go folds the others, and
// reckons with their case.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		return r
	}
	return unicode.ToLower(r)
}

// words are the context in the same characters: whole, in its parts, and the beginnings of all
// these. A password may be cut in the middle of one.
func (p plain) words(context []string) []string {
	var whole, cut []string
	for _, c := range context {
		c = p.write(norm.NFKC.String(c))
		whole = append(whole, c)
		whole = append(whole, strings.FieldsFunc(c, func(r rune) bool { return strings.ContainsRune("@.-_+ ", r) })...)
	}
	for _, w := range whole {
		for n := 4; n <= judged && n < utf8.RuneCountInString(w); n++ {
			cut = append(cut, beginning(w, n))
		}
	}
	return append(whole, cut...) // zxcvbn takes the first for the likeliest
}

// beginning is the first n code points of s, or all of s.
func beginning(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
