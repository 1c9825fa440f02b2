package password

import (
	"unicode"
	"unicode/utf8"
)

// unseen reports that a password holds a character that its owner neither sees nor types.
// Copying from a page or a document can bring one along, and the owner could not sign in by
// typing. Code points that Unicode has not assigned yet count too: a later version may give
// them another NFKC.
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
// replacement character stands for bytes that are not UTF-8, here and in the output of a JSON
// decoder. Two passwords that differ there only would be one.
func seen(before, r, after rune) bool {
	switch {
	case r == '\u200B': // zero width space
		return unicode.In(before, spaceless...) && unicode.In(after, spaceless...)
	case r == '\u200C': // zero width non-joiner
		return shapes(before) && shapes(after)
	case r == '\u200D': // zero width joiner
		return shapes(before) && shapes(after) || pictured(before) && pictured(after)
	case unicode.Is(unicode.Variation_Selector, r):
		return joins(before) || after == keycap
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == utf8.RuneError:
		return false
	default: // all of Cc, Cf, Cn, Co, Cs, Zl and Zp is not graphic
		return unicode.IsGraphic(r)
	}
}

// spaceless are the scripts that have no space between words, and mark where a line may break
// (Unicode 17, section 23.2).
var spaceless = []*unicode.RangeTable{unicode.Khmer, unicode.Lao, unicode.Myanmar, unicode.Thai}

// shaped are the scripts whose letters change beside others, so that the two joiners are
// visible. These are the cursive ones (RFC 5892, A.1) and the ones with a virama (A.1 and A.2).
var shaped = []*unicode.RangeTable{
	unicode.Adlam, unicode.Arabic, unicode.Mandaic, unicode.Mongolian, unicode.Nko, unicode.Syriac,
	unicode.Bengali, unicode.Devanagari, unicode.Gujarati, unicode.Gurmukhi, unicode.Kannada, unicode.Khmer,
	unicode.Malayalam, unicode.Myanmar, unicode.Oriya, unicode.Sinhala, unicode.Tamil, unicode.Telugu,
}

// shapes reports a character of such a script, or a vowel sign of Arabic, which Unicode has as
// one of any script.
func shapes(r rune) bool {
	return unicode.In(r, shaped...) || '\u064B' <= r && r <= '\u0655' || r == '\u0670'
}

// pictured reports a part of an emoji: a symbol, a skin tone, or the selector behind either.
func pictured(r rune) bool {
	return r >= '\u2190' && unicode.In(r, unicode.So, unicode.Sm, unicode.Sk) || r == '\uFE0F'
}

// joins reports a character of a script, or an emoji, that a selector may belong to.
func joins(r rune) bool { return r > unicode.MaxASCII && unicode.IsGraphic(r) }
