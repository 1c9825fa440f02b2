// Package mail writes the two mails of a reset and hands them to a mail server.
//
// A mail is fixed text, the links of this reset and the operator's settings of the product. Its
// only part from the account is the recipient's address, so rekey never mails text of an
// attacker.
//
// A failed attempt is judged by one question: can the mail have arrived? The answer decides
// whether its link stays valid. Callers get only this answer of a failure, since mail servers
// quote addresses and contents in their replies.
package mail

// Message is a mail to one recipient.
type Message struct {
	ID      string // of the Message-ID header, without angle brackets; the same on retries
	To      string // an address without a name, its domain in ASCII
	Subject string
	Text    string
	HTML    string
}
