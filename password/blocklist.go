package password

import (
	_ "embed"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// blockListText has the 3,000 commonest passwords of at least 8 characters and the
// longer ones of the same source, one a line, commonest first. make_blocklist.js makes
// it; blocklist.LICENSE.txt is its licence.
//
// The lists that may be shared hold few passwords of 15 characters, because few people
// choose such. What they do choose is a short one several times over, so that counts as
// listed too.
//
//go:embed blocklist.txt
var blockListText string

// blockList is a set of folded passwords.
type blockList map[string]struct{}

func loadBlockList() blockList {
	list := blockList{}
	for line := range strings.Lines(blockListText) {
		list[strings.TrimSuffix(line, "\n")] = struct{}{}
	}
	return list
}

// has reports whether a password is listed, in whatever case, or repeats a listed one.
func (l blockList) has(password string) bool {
	folded := strings.ToLower(norm.NFKC.String(password))
	if _, listed := l[folded]; listed {
		return true
	}
	_, listed := l[period(folded)]
	return listed
}

// period is the shortest text that s consists of when repeated: "ab" of "ababab", and
// s itself when it repeats nothing. It is found in linear time: s occurs in s+s first
// at 0 and next after one period.
func period(s string) string {
	if s == "" {
		return s
	}
	next := strings.Index((s + s)[1:], s)
	return s[:next+1]
}
