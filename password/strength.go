package password

import (
	"regexp"

	"github.com/ccojocar/zxcvbn-go/scoring"
)

const (
	// minScore is zxcvbn's "safely unguessable: moderate protection from offline
	// slow-hash scenario".
	minScore = 3
	// judged is how many code points zxcvbn looks at. A hundred would take seconds and up to a
	// gigabyte, and a password that is strong after 32 does not get weaker.
	judged = 32
)

// Strength judges how hard a password is to guess with knowledge of the context: the owner's
// address, the name of the product. The password as it was typed and as it is hashed must both
// be hard. Only the first 32 code points count. It costs milliseconds and megabytes, so call it
// within a [Budget]. The error is a [*Refusal].
func (p Policy) Strength(typed string, context ...string) error {
	hashed := p.Normalize(typed)
	if err := strength(hashed, context); err != nil || hashed == typed {
		return err
	}
	return strength(typed, context)
}

func strength(password string, context []string) error {
	// zxcvbn-go sees only single characters repeat. Writing a password twice adds
	// nothing, so the part that repeats is judged.
	part := period(password)
	plain := newPlain(part)
	guess := estimate(plain.text, plain.words(context))
	if guess.Score >= minScore {
		return nil
	}
	found := hints(guess)
	found["repeat"] = found["repeat"] || part != password
	return refuse(TooWeak, "The password is easy to guess.", suggestions(found)...)
}

// dated finds dates as zxcvbn-go takes them; its answer does not name them.
var dated = regexp.MustCompile(`(19|20)\d\d|\d{1,2}[-/\\_. ]\d{1,2}[-/\\_. ]\d{2}`)

// hints are the kinds of things that made a password weak.
func hints(guess scoring.MinEntropyMatch) map[string]bool {
	found := map[string]bool{"date": dated.MatchString(guess.Password)}
	for _, m := range guess.MatchSequence {
		found[m.Pattern] = true
		found[m.DictionaryName] = true
	}
	return found
}

// suggestions turns the weaknesses of a password into remedies.
func suggestions(found map[string]bool) []string {
	var s []string
	for _, hint := range []struct{ found, text string }{
		{"user_inputs", "Leave out your address and the name of this service."},
		{"repeat", "Avoid repeated words and characters."},
		{"sequence", "Avoid sequences such as abc or 6543."},
		{"spatial", "Avoid rows of keys such as qwerty."},
		{"date", "Avoid dates and years."},
		{"dictionary", "Add another word or two; uncommon ones are better."},
	} {
		if found[hint.found] {
			s = append(s, hint.text)
		}
	}
	return append(s, fewWords)
}
