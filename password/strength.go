package password

import (
	"strings"

	"github.com/ccojocar/zxcvbn-go"
)

const (
	// minScore is zxcvbn's "safely unguessable: moderate protection from offline
	// slow-hash scenario".
	minScore = 3
	// judged is how many code points zxcvbn looks at. It takes seconds and up to a
	// gigabyte for a hundred, and what is strong after 32 does not get weaker.
	judged = 32
)

// Strength judges how hard a normalized password is to guess, for someone who knows the
// context: the owner's address, the name of the product. It costs milliseconds and
// megabytes, so call it within a [Budget]. The error is a [*Refusal].
func (p Policy) Strength(password string, context ...string) error {
	head := firstRunes(password, judged)
	words := contextWords(context)
	result := zxcvbn.PasswordStrength(head, words)
	if result.Score >= minScore {
		return nil
	}
	hints := map[string]bool{}
	for _, m := range result.MatchSequence {
		hints[m.Pattern] = true
		hints[m.DictionaryName] = true
	}
	return refuse(TooWeak, "The password is easy to guess.", suggestions(hints)...)
}

// suggestions turns what made a password weak into what to do about it.
func suggestions(found map[string]bool) []string {
	var s []string
	for _, hint := range []struct{ pattern, text string }{
		{"user_inputs", "Leave out your address and the name of this service."},
		{"repeat", "Avoid repeated words and characters."},
		{"sequence", "Avoid sequences such as abc or 6543."},
		{"spatial", "Avoid rows of keys such as qwerty."},
		{"date", "Avoid dates and years."},
		{"dictionary", "Add another word or two; uncommon ones are better."},
	} {
		if found[hint.pattern] {
			s = append(s, hint.text)
		}
	}
	return append(s, "A few words that do not belong together are easy to remember.")
}

// contextWords splits addresses and names, so that the parts are recognized too.
func contextWords(context []string) []string {
	var words []string
	for _, c := range context {
		words = append(words, c)
		words = append(words, strings.FieldsFunc(c, func(r rune) bool { return strings.ContainsRune("@.-_+ ", r) })...)
	}
	return words
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

