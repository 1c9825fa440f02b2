// Package mail writes the two mails of a reset and hands them to a mail server.
//
// A mail is fixed text, the links of this reset and what the operator says about the
// product. Nothing in it comes from the account but the address it goes to, so nobody
// can make rekey mail words of their own to others.
//
// A failed attempt is judged by one question: can the mail have arrived? The answer
// decides whether its link is kept alive, and it is all that is told of a failure,
// since mail servers like to quote addresses and contents in their replies.
package mail

// Message is a mail to one recipient.
type Message struct {
	ID      string // of the Message-ID header, without angle brackets; the same on retries
	To      string // an address without a name, its domain in ASCII
	Subject string
	Text    string
	HTML    string
}
