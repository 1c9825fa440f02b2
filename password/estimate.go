package password

import (
	"strings"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/match"
	"github.com/ccojocar/zxcvbn-go/matching"
	"github.com/ccojocar/zxcvbn-go/scoring"
)

// estimate is zxcvbn's guess. zxcvbn-go takes a date to end one character late, so it
// misses one at the very end; hence it is asked a second time with a character more,
// and the lower guess counts.
func estimate(text string, context []string) scoring.MinEntropyMatch {
	guess := zxcvbn.PasswordStrength(text, context, costly(text)...)
	longer := zxcvbn.PasswordStrength(text+"\x00", context, matching.FilterL33tMatcher)
	if longer.Entropy < guess.Entropy {
		return longer
	}
	return guess
}

// costly leaves out zxcvbn-go's l33t matcher where it would take a tenth of a second. It
// tries each way to read all the substitutes in a text, a thousand when it has them all;
// but a disguised word has few of those that are no digits.
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
