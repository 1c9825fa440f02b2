package mail

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
)

// Outcome is the fate of a mail that was not sent.
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
	stepToken     = "token"   // of the login, from the token endpoint
	stepConnect   = "connect"
	stepTLS       = "tls"
	stepGreeting  = "greeting" // the first word, which is the mail server's
	stepHello     = "hello"    // EHLO
	stepLogin     = "login"
	stepSender    = "sender"
	stepRecipient = "recipient"
	stepData      = "data"    // asking for leave to send the content
	stepContent   = "content" // the content and the reply to it
)

// Error says why a mail was not sent. It holds numbers and words of this package, never the
// text of a reply, and it wraps nothing: both quote addresses and links.
type Error struct {
	Outcome  Outcome
	Code     int    // SMTP reply code, or the HTTP status of [HTTP]; 0 when there was no reply
	Enhanced string // status code of RFC 3463, such as 5.1.1; empty when the reply had none
	Step     string // where the conversation ended
	Cause    string // a further fact; one of few texts, or empty
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("mail %s at %s", e.Outcome, e.Step)
	if e.Cause != "" {
		text += ", " + e.Cause
	}
	switch {
	case e.Code == 0 && e.Cause == "":
		return text + ", no reply code"
	case e.Code == 0:
		return text
	case e.Enhanced == "":
		return fmt.Sprintf("%s, reply code %d", text, e.Code)
	default:
		return fmt.Sprintf("%s, reply code %d %s", text, e.Code, e.Enhanced)
	}
}

// Kind is a word for the failure: mail_deferred_connect, mail_deferred_4xx,
// mail_unknown_content and the like. It may be shown to all readers who know of the mail. A
// mail that is refused at login has the step: it concerns rekey, not the recipient.
func (e *Error) Kind() string {
	switch before := slices.Contains([]string{stepAddress, stepToken, stepConnect, stepTLS, stepGreeting, stepHello, stepLogin}, e.Step); {
	case before:
		return "mail_" + string(e.Outcome) + "_" + e.Step
	case e.Code/100 == 4 || e.Code/100 == 5:
		return fmt.Sprintf("mail_%s_%dxx", e.Outcome, e.Code/100)
	case slices.Contains([]string{stepSender, stepRecipient, stepData, stepContent}, e.Step):
		return "mail_" + string(e.Outcome) + "_" + e.Step
	default: // of another Mailer
		return "mail_" + string(e.Outcome)
	}
}

// failed is the error of a step before the mail server knew of a mail. It is about rekey and
// its configuration, so it never refuses a mail.
func failed(step string, err error, cause string) *Error {
	code, enhanced := reply(err)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		cause = "the certificate of the mail server is not trusted"
	}
	return &Error{Deferred, code, enhanced, step, cause}
}

// reply is the reply in an error: its code and its enhanced status code. The latter is read
// from a server that does not announce it (RFC 2034) too. It counts only in its place: a reply
// may quote one, or the address of a host.
func reply(err error) (code int, enhanced string) {
	e, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return 0, ""
	}
	if found := status.FindStringSubmatch(e.Msg); found != nil {
		enhanced = found[1] + found[2]
	}
	return e.Code, enhanced
}

// status is the enhanced code of a reply. It stands at the start, as in RFC 2034 and with the
// "#" of Cisco's gateways ("#5.7.1 Your access to submit messages"). Or it stands at the end,
// as qmail writes it ("no mailbox here by that name. (#5.1.1)").
var status = regexp.MustCompile(`^#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s|$)|\(#([245]\.[0-9]{1,3}\.[0-9]{1,3})\)\s*$`)

// judge is the meaning of a reply to a mail's recipient, to DATA or to its content.
func judge(step string, err error) *Error {
	code, enhanced := reply(err)
	outcome := Deferred
	switch {
	case step == stepContent && (code == 0 || code/100 == 2): // no reply, or one that is not understood
		outcome = Unknown
	case code/100 == 5 && final(step, code, enhanced) && (!vague.MatchString(enhanced) || saysSo(step, err)):
		outcome = Refused
	}
	return &Error{outcome, code, enhanced, step, ""}
}

// final reports whether a 5yz reply is about this recipient or this content, which no later
// attempt changes. Every other one is about the sender, the way or the policy of a server. An
// operator can mend that, and a mail is worth a day of retries.
//
// The enhanced code decides (RFC 3463). Without one, or with 5.0.0, which says no more than the
// class, the reply code decides (RFC 5321 section 4.2.3). At RCPT 550, 551 and 553 are about
// the mailbox, while 552 there means too many recipients (section 4.5.3.1.10). After the
// content 552 is about its size. There 550 is policy, and 554 also means senders.
func final(step string, code int, enhanced string) bool {
	if !undecided.MatchString(cmp.Or(enhanced, "5.0.0")) {
		return recipients.MatchString(enhanced) || step == stepContent && contents.MatchString(enhanced)
	}
	switch code {
	case 550, 551, 553:
		return step == stepRecipient
	case 552:
		return step == stepContent
	default:
		return false
	}
}

// saysSo reports whether the words of a reply agree with a code that is vague. No word may be
// about the sender, its host or a policy, and at RCPT one must be about the mailbox.
//
// Exim has no enhanced codes ("relay not permitted", "Sender verify failed"; its
// src/configure.default and acl.c). The code 5.1.0 is also Postfix's for a sender that is not
// listed (smtpd_check.c, "Sender address rejected"). Exchange writes "554 5.1.0 Sender Denied"
// (learn.microsoft.com, "Sender filtering"). Servers have endless words for a policy and few
// for a missing mailbox, so a reply without either is retried for a day.
func saysSo(step string, err error) bool {
	e, ok := errors.AsType[*textproto.Error](err)
	if !ok {
		return false
	}
	words := names.ReplaceAllString(e.Msg, " ")
	return !ours.MatchString(words) && (step != stepRecipient || theirs.MatchString(words))
}

var (
	// vague are the codes that may be about any address or policy.
	vague = regexp.MustCompile(`^(?:|5\.0\.[0-9]+|5\.1\.0)$`)
	// names are quotations in a reply: addresses, the URL of an explanation, hosts. They are no
	// words.
	names = regexp.MustCompile(`<[^>]*>|https?://\S+|\S*@\S*|\b[\w-]*[A-Za-z][\w-]*(?:\.[\w-]+)+`)
	ours  = regexp.MustCompile(`(?i)\b(?:sender|client|relay(?:ing)?|[he][eh]lo|ip|r?dns|ptr|spf|dkim|dmarc|tls|starttls|administrative prohibition|spam|policy|` +
		`(?:black|block|deny|grey|gray) ?-?list(?:ed|ing)?|listed (?:at|by|on)|(?:is|are) listed|(?:rb|dnsb)ls?|reputation|block(?:ed|ing)|authenticat(?:ed?|ion)|(?:un)?authori[sz](?:ed|ation)|suspended|outgoing|` +
		`(?:send|sending|daily|hourly|rate) (?:limit|quota)s?|too many|number of|later|temporar(?:y|ily)|access denied|submit|submission|` +
		`your (?:access|account|address|domain|host|mail|message|network|server)s?)\b|\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b`)
	theirs = regexp.MustCompile(`(?i)\b(?:users?|mail ?box(?:es)?|recipients?|accounts?|address(?:ee)?|alias|local part|unrout(?:e)?able|customer|` +
		`unknown|not (?:found|local)|no one|nobody|do(?:es)?(?: not|n't) exist)\b`)
)

var (
	undecided = regexp.MustCompile(`^5\.0\.`)
	// recipients are the codes about a destination mailbox. The codes 5.1.7 and 5.1.8 are about
	// the sender's address, 5.1.9 is about a relay (RFC 3886). A domain that takes no mail has
	// 5.1.10 (RFC 7505). The owner of a disabled or full mailbox (5.2.z) mends it and requests
	// a new link. Servers use higher numbers for senders, such as 5.2.252.
	recipients = regexp.MustCompile(`^5\.(?:1\.(?:[012346]|10)|2\.[0-4])$`)
	// contents are the codes about the mail itself, which no later attempt changes.
	contents = regexp.MustCompile(`^5\.6\.`)
)
