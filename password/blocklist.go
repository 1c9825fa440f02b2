package password

import (
	_ "embed"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// blockListText has, for every minimum length from 8 up, the 3,000 commonest passwords
// of that length or more; one a line, folded, commonest first. They are those of
// @zxcvbn-ts/language-common 4.1.3 (MIT, see blocklist.LICENSE.txt), and make_blocklist.js
// tells how the file is made.
//
// That list is the longest in order of frequency that may be passed on freely. It has 3,543
// passwords of 9 characters or more, 1,557 of 10 or more and 41 of 15 or more: few people
// choose such. So from 10 up the list has all of them, fewer than 3,000. People do repeat a
// short one several times. Hence has counts that as listed too, and Strength refuses passwords
// made of several.
//
//go:embed blocklist.txt
var blockListText string

// blockList is a set of folded passwords. The nil list is empty.
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
	_, listed := l[folded]
	_, repeated := l[period(folded)]
	return listed || repeated
}

// period is the shortest beginning of s that gives s when it is repeated, the last time perhaps
// in part: "abc" of "abcabcab". It is s itself when s repeats nothing.
func period(s string) string {
	for n := range s {
		if n > 0 && strings.HasPrefix(s, s[n:]) && n <= len(s)/2 {
			return s[:n]
		}
	}
	return s
}
