package password

import (
	"strings"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/match"
	"github.com/ccojocar/zxcvbn-go/matching"
	"github.com/ccojocar/zxcvbn-go/scoring"
)

// estimate is zxcvbn's guess. For zxcvbn-go a date ends one character late, so it misses one at
// the very end. Hence a second estimate has a character more, and the lower guess counts.
func estimate(text string, context []string) scoring.MinEntropyMatch {
	guess := zxcvbn.PasswordStrength(text, context, costly(text)...)
	longer := zxcvbn.PasswordStrength(text+"\x00", context, matching.FilterL33tMatcher)
	if longer.Entropy < guess.Entropy {
		return longer
	}
	return guess
}

// costly leaves out zxcvbn-go's l33t matcher where it would take a tenth of a second. It tries
// each way to read all the substitutes in a text, a thousand when it has them all. A disguised
// word has few substitutes that are no digits.
func costly(text string) []func(match.Matcher) bool {
	kinds := 0
	for _, substitute := range "@({[<!|$+%" {
		if strings.ContainsRune(text, substitute) {
			kinds++
		}
	}
	if kinds <= 5 {
		return nil
	}
	return []func(match.Matcher) bool{matching.FilterL33tMatcher}
}
