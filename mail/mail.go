// Package mail writes the two mails of a reset and hands them to a mail server.
//
// A mail holds a link and fixed text. Nothing in it comes from the account but the
// address it goes to, so nobody can make rekey mail words of theirs to others.
package mail

import "fmt"

// Message is a mail to one recipient.
type Message struct {
	ID      string // of the Message-ID header, without angle brackets
	To      string
	Subject string
	Text    string
	HTML    string
}

// Outcome is what is known about a mail that was not sent.
type Outcome string

// The outcomes of a failed attempt.
const (
	// Refused means that the mail server will never take this mail (RFC 5321 section
	// 4.2.1, a 5yz reply to the recipient or the content).
	Refused Outcome = "refused"
	// Deferred means that the mail was definitely not taken, and may be later.
	Deferred Outcome = "deferred"
	// Unknown means that the mail may have been taken: the connection was lost before
	// the answer.
	Unknown Outcome = "unknown"
)

// Error says why a mail was not sent. Its text holds the reply code and never the reply's
// text, which mail servers like to quote addresses and links in.
type Error struct {
	Outcome Outcome
	Code    int // SMTP reply code; 0 when the mail server gave none
	Step    string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("mail %s at %s: no answer from the mail server", e.Outcome, e.Step)
	}
	return fmt.Sprintf("mail %s at %s: the mail server answered %d", e.Outcome, e.Step, e.Code)
}
