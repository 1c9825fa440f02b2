package password

import "strconv"

// Code says why a password is refused, for programs.
type Code string

// Why a password is refused.
const (
	TooShort Code = "password_too_short"
	TooLong  Code = "password_too_long"
	TooWeak  Code = "password_too_weak" // easy to guess
	Blocked  Code = "password_blocked"  // on the list of common passwords
	Invalid  Code = "password_invalid"  // holds an invisible or untypable character
	Breached Code = "password_breached" // known from a data breach; see package breached
)

// Refusal is the error for a password that the policy does not take. It never holds
// the password.
type Refusal struct {
	Code        Code
	Reason      string   // a sentence for the person with the password
	Suggestions []string // sentences with remedies, best first; at least one
}

// Error is the reason.
func (r *Refusal) Error() string { return r.Reason }

// fewWords is the advice that is always right.
const fewWords = "A few words that do not belong together are easy to remember."

func refuse(code Code, reason string, suggestions ...string) *Refusal {
	return &Refusal{code, reason, suggestions}
}

// count writes a number below a million as people read it: 1,024.
func count(n int) string {
	s := strconv.Itoa(n)
	if n < 1000 {
		return s
	}
	return s[:len(s)-3] + "," + s[len(s)-3:]
}
