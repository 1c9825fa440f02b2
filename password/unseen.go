package password

import (
	"unicode"
	"unicode/utf8"
)

// unseen reports that a password holds a character that its owner neither sees nor types, as
// copying from a page or a document brings it along: who types what is seen cannot sign in.
// Code points that Unicode has not assigned yet are among them, since a later version may
// give them another NFKC.
//
// The model is OpaqueString (RFC 8265, section 4.2). That refuses the joiners of emoji and of
// Khmer too, which keyboards type; here they may stand where they join something.
func unseen(password string) bool {
	typed := []rune(password)
	at := func(i int) rune {
		if 0 <= i && i < len(typed) {
			return typed[i]
		}
		return 0
	}
	for i, r := range typed {
		if !seen(at(i-1), r, at(i+1)) {
			return true
		}
	}
	return false
}

// keycap makes a key of a digit and a variation selector.
const keycap = '\u20E3'

// seen reports that a character shows between its neighbours, or changes how they show. The
// replacement character stands for bytes that are not UTF-8, here and in what a JSON decoder
// made of them: two passwords that differ there only would be one.
func seen(before, r, after rune) bool {
	switch {
	case '\u200B' <= r && r <= '\u200D': // the space of Khmer, and the joiners
		return joins(before) && joins(after)
	case unicode.Is(unicode.Variation_Selector, r):
		return joins(before) || after == keycap
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == utf8.RuneError:
		return false
	default: // all of Cc, Cf, Cn, Co, Cs, Zl and Zp is not graphic
		return unicode.IsGraphic(r)
	}
}

// joins reports a character of a script, or an emoji, that invisible characters may belong to.
func joins(r rune) bool { return r > unicode.MaxASCII && unicode.IsGraphic(r) }
