package mail

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Bounds of the texts in a mail that are not rekey's, in letters.
const (
	maxInviter = 64
	maxReason  = 500
)

// plain puts a text into one line. Unseen characters are left out: they turn the direction of the
// words around them. A longer text ends in an ellipsis.
func plain(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if letters := []rune(s); len(letters) > most {
		s = strings.TrimSpace(string(letters[:most-1])) + "…"
	}
	return s
}

// inviter is the name of an inviting person. A name that mail programs could show as a link is
// left out. An application lets its users choose names and whom they invite, so strangers could
// send links of theirs in its mails.
func inviter(s string) string {
	name := plain(s, maxInviter)
	for word := range strings.FieldsSeq(name) {
		_, address := recipient(strings.Trim(word, "()<>,;"))
		if path.MatchString(word) || host.MatchString(word) && !address {
			return ""
		}
	}
	return name
}

// path is a part of a URL, and host a name of a host. Mail programs take the latter for a link
// without a scheme too. The full stops are those of domain names (RFC 3490 section 3.1).
var (
	path = regexp.MustCompile(`[:/\\]`)
	host = regexp.MustCompile(`[\pL\pN][.\x{3002}\x{FF0E}\x{FF61}][\pL\pN]{2}`)
)

// Columns of a plain mail: those of rekey's own texts (RFC 5322 section 2.1.1) and of an operator's
// reason.
const (
	textColumns   = 78
	reasonColumns = 72
)

// isBlank reports a space at which a line may end. Before a French colon none may.
func isBlank(r rune) bool {
	const narrow, wide = '\u202f', '\u00a0' // no-break spaces
	return unicode.IsSpace(r) && r != narrow && r != wide
}

// wrapped breaks a line at blanks, and between the characters of Chinese and Japanese, so that it
// fits the columns. A longer word keeps a line of its own.
func wrapped(s string, columns int) string {
	var b strings.Builder
	line := 0
	for word := range strings.FieldsFuncSeq(s, isBlank) {
		blank := 1
		for _, part := range unbroken(word) {
			length := wide(part)
			switch {
			case line == 0:
			case line+blank+length <= columns:
				b.WriteString(" "[:blank])
				line += blank
			default:
				b.WriteByte('\n')
				line = 0
			}
			b.WriteString(part)
			line, blank = line+length, 0
		}
	}
	return b.String()
}

// unbroken are the parts of a word that stay on one line. A line of Chinese or Japanese may end
// between any two characters, but no line starts with a closing mark or ends with an opening one
// (Unicode Standard Annex 14, classes ID, CJ, CL and OP).
func unbroken(word string) []string {
	var parts []string
	start, last := 0, ' '
	for i, r := range word {
		if i > 0 && (breaks(last) || breaks(r)) && !stays(r) && !unicode.In(last, unicode.Ps, unicode.Pi) {
			parts = append(parts, word[start:i])
			start = i
		}
		last = r
	}
	return append(parts, word[start:])
}

// breaks reports a character of a script without blanks, its marks included: U+3000 to U+30FF are
// the marks and both syllabaries, and U+FF01 to U+FF60 the full-width forms.
func breaks(r rune) bool {
	return unicode.Is(unicode.Han, r) || '\u3000' <= r && r <= '\u30ff' || '\uff01' <= r && r <= '\uff60'
}

// stays reports a character that no line starts with.
func stays(r rune) bool {
	return unicode.In(r, unicode.Pe, unicode.Pf, unicode.Po, unicode.Pd, unicode.M) || strings.ContainsRune("ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々", r)
}

// wide is the number of columns of a text (Unicode Standard Annex 11).
func wide(s string) int {
	columns := 0
	for _, r := range s {
		columns++
		if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
			columns++
		}
	}
	return columns
}
