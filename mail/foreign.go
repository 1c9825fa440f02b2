package mail

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
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

// wrapped breaks a line at blanks, so that it fits the columns. A longer word keeps a line of its
// own, and so does a text in a script without blanks.
func wrapped(s string, columns int) string {
	var b strings.Builder
	line := 0
	for word := range strings.FieldsSeq(s) {
		length := utf8.RuneCountInString(word)
		switch {
		case line == 0:
		case line+1+length <= columns:
			b.WriteByte(' ')
			line++
		default:
			b.WriteByte('\n')
			line = 0
		}
		b.WriteString(word)
		line += length
	}
	return b.String()
}
