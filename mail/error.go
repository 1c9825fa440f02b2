package mail

import (
	"errors"
	"fmt"
	"net/textproto"

	gomail "github.com/wneessen/go-mail"
)

// Outcome is what is known about a mail that was not sent.
type Outcome string

// The outcomes of a failed attempt.
const (
	// Refused means that the mail server will never take this mail: a 5yz reply about
	// the recipient or the content (RFC 5321 section 4.2.1).
	Refused Outcome = "refused"
	// Deferred means that the mail was definitely not taken, and may be later.
	Deferred Outcome = "deferred"
	// Unknown means that the mail may have been taken: the connection was lost after
	// the content and before the reply to it.
	Unknown Outcome = "unknown"
)

// The steps of a conversation that a mail can fail at.
const (
	stepAddress   = "address" // before any conversation
	stepConnect   = "connect" // up to and including TLS and the login
	stepSender    = "sender"
	stepRecipient = "recipient"
	stepData      = "data"    // asking for leave to send the content
	stepContent   = "content" // the content and the reply to it
)

// Error says why a mail was not sent. It holds a reply code and never the text of a
// reply, and it wraps nothing: both quote addresses and links.
type Error struct {
	Outcome Outcome
	Code    int    // SMTP reply code; 0 when there was no reply
	Step    string // where the conversation ended
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == 0 {
		return fmt.Sprintf("mail %s at %s, no reply code", e.Outcome, e.Step)
	}
	return fmt.Sprintf("mail %s at %s, reply code %d", e.Outcome, e.Step, e.Code)
}

// judge says what a failed conversation means for the mail. Only a reply to the
// recipient or the content is about this mail; any other is about us.
func judge(err error) *Error {
	failed, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return &Error{Unknown, 0, stepContent}
	}
	code := failed.ErrorCode()
	switch reason := failed.Reason; {
	case reason == gomail.ErrSMTPMailFrom:
		return &Error{Deferred, code, stepSender}
	case reason == gomail.ErrSMTPRcptTo:
		return &Error{replied(code), code, stepRecipient}
	case reason == gomail.ErrSMTPData:
		return &Error{replied(code), code, stepData}
	case reason == gomail.ErrSMTPDataClose && code == 0:
		return &Error{Unknown, 0, stepContent}
	case reason == gomail.ErrSMTPDataClose:
		return &Error{replied(code), code, stepContent}
	default: // not even the whole content was sent
		return &Error{Deferred, code, stepContent}
	}
}

// replied judges a reply code. 50z is about the syntax of a command and 53z about the
// login (RFC 5321 section 4.2.1, RFC 4954 section 6): those are ours to mend, and no
// reason to give a mail up.
func replied(code int) Outcome {
	if kind := code / 10; kind < 50 || kind == 50 || kind == 53 {
		return Deferred
	}
	return Refused
}

// replyCode is the SMTP reply code in an error, 0 when there is none.
func replyCode(err error) int {
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return reply.Code
	}
	return 0
}
