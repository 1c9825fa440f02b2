// Package mail writes the mails of resets, invitations and blocked passwords, and hands them to a
// mail server ([SMTP]) or to an application behind a URL ([HTTP]).
//
// A mail is fixed text, the links of its run and the operator's settings of the product. Its only
// part from the account is the recipient's address. Two texts come from outside: the name of an
// inviting person and an operator's reason. Both are in the body alone, bounded and in one
// paragraph. The name never looks like a link, so rekey mails no link of an attacker.
//
// A failed attempt is judged by one question: can the mail have arrived? The answer decides
// whether its link stays valid. Callers get only this answer of a failure, since mail servers
// quote addresses and contents in their replies.
package mail

import "github.com/rekeyhq/rekey/brand"

// Message is a mail to one recipient.
type Message struct {
	ID      string // of the Message-ID header, without angle brackets; the same on retries
	To      string // an address without a name, its domain in ASCII
	Subject string
	Text    string
	HTML    string
	// Language is that of the texts, see [Templates.In]. It is for a sender of one's own.
	Language string
	// Logo is the picture that the HTML names as cid:logo; nil is none.
	Logo *brand.Asset
}
