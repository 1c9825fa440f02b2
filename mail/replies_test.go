package mail_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

// taken is the conversation up to the recipient, and up to the content.
var (
	taken = []string{"220 hi", "250-hi\r\n250 ENHANCEDSTATUSCODES", "250 2.1.0 ok"}
	ready = []string{"220 hi", "250 hi", "250 2.1.0 ok", "250 2.1.5 ok", "354 go"}
)

// Servers' replies to a recipient, as their documents quote them. Gmail's are from "Gmail SMTP
// errors and codes" (support.google.com/a/answer/3726730). Exchange Online's are from "Email
// non-delivery reports and SMTP errors in Exchange Online", Exchange's from "Sender filtering"
// (both learn.microsoft.com). Postfix's are from its smtpd_check.c, Exim's from its
// src/configure.default and test suite. Outlook.com's are from reports: spamresource.com,
// "Microsoft: Multiple types of invalid user bounces", 2023.
//
// The cause decides: a sender's quota, name, address or reputation is no reason to give a mail
// up. security 23.
func TestWhoseFaultARefusalIs(t *testing.T) {
	t.Parallel()
	for text, final := range map[string]bool{
		// Gmail
		"550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550 5.1.1 double-checking the recipient's email address": true,
		"550-5.2.1 The email account that you tried to reach is inactive.\r\n550 5.2.1 For more information, go to":                                 true,
		"552 5.2.2 The email account that you tried to reach is over quota.":                                                                        true,
		"553 5.1.2 We weren't able to find the recipient domain.":                                                                                   true,
		"553 5.1.3 The recipient address is not a valid RFC-5321 address.":                                                                          true,
		"550 5.4.5 Daily user sending limit exceeded.":                                                                                              false,
		"550 5.7.0 Mail relay denied.":                                                                                                              false,
		"550 5.7.26 This mail has been blocked because the sender is unauthenticated.":                                                              false,
		// Exchange Online
		"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup": true,
		"550 5.1.8 Access denied, bad outbound sender":                                          false,
		"550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP":     false,
		"554 5.2.252 SendAsDenied; not allowed to send as":                                      false,
		"550 5.7.60 SMTP; Client does not have permissions to send as this sender":              false,
		"530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM": false,
		"550 5.7.606 Access denied, banned sending IP [203.0.113.7]":                            false,
		"550 5.7.705 Access denied, tenant has exceeded threshold":                              false,
		"550 5.4.1 Recipient address rejected: Access denied.":                                  false, // unknown, or a connector
		// Exchange, and Outlook.com, which also writes it for blocked mails
		"554 5.1.0 Sender Denied": false,
		"550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).": false,
		// GMX, IONOS and Domino have no enhanced codes; an URL, a host or an address in a reply is no word.
		"550 Requested action not taken: mailbox unavailable For explanation visit https://postmaster.example.net/case?c=r0601&i=ip&v=203.0.113.10&r=0M": true,
		"550 sender.policy@example.net: no such user":                         true,
		"550 owner@example.net... User unknown at relay.policy.example.net":   true,
		"550 Owner@Example.net... User Owner not listed in Domino Directory":  true,
		"550 203.0.113.10 is listed at bl.example.net, no mail for this user": false,
		"550 user not authorized":                                             false,
		"550 authorization failed for user no-reply":                          false,
		"550 sending quota of this account exceeded":                          false,
		"550 account suspended":                                               false,
		"550 accounts@example.com rejected by filter":                         false,
		// Postfix
		"550 5.1.1 <owner@example.net>: Recipient address rejected: User unknown":                                      true,
		"550 5.1.0 <owner@example.net>: Recipient address rejected":                                                    true,
		"550 5.1.0 <no-reply@example.com>: Sender address rejected: User unknown in virtual alias table":               false,
		"550 5.1.2 <owner@example.net>: Recipient address rejected: Domain not found":                                  true,
		"556 5.1.10 <owner@example.net>: Recipient address rejected: Domain example.net does not accept mail (nullMX)": true,
		"550 5.7.27 <no-reply@example.com>: Sender address rejected: Domain example.com does not accept mail (nullMX)": false,
		"504 5.5.2 <vm>: Helo command rejected: need fully-qualified hostname":                                         false,
		"550 5.7.1 <vm>: Helo command rejected: Invalid name":                                                          false,
		"553 5.1.8 <no-reply@example.com>: Sender address rejected: Domain not found":                                  false,
		"501 5.1.7 Bad sender address syntax":                                                                          false,
		"554 5.7.1 Service unavailable; Client host [5.1.1.7] blocked using a block list":                              false,
		"554 5.7.1 <owner@example.net>: Relay access denied":                                                           false,
		"550 5.3.4 Message size exceeds fixed limit":                                                                   false,
		"554 Service unavailable; host [5.1.1.7] blocked; see 5.1.1":                                                   false,
		"550 5.1.1.7 is on our list":                                                                                   false, // no status code, and no word of a mailbox
		// Exim, which has no status codes
		"550 Unrouteable address":        true,
		"550 relay not permitted":        false,
		"550 Relaying denied":            false, // its wiki, Q0743
		"550 Administrative prohibition": false,
		"550-Verification failed for <no-reply@example.com>\r\n550-Unrouteable address\r\n550 Sender verify failed": false,
		"550 <sender.policy@example.net>: no such user":                                                             true, // words of an address are none of the reply
		"550 Unknown local part owner in <owner@example.net>":                                                       true,
		// qmail and netqmail, with the code at the end (qmail-smtpd.c), and vpopmail
		"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)":  false,
		"553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)":     false,
		"550 sorry, no mailbox here by that name. (#5.1.1)":                      true,
		"550 sorry, no mailbox here by that name (#5.1.1 - chkuser)":             true,
		"550 sorry, (#5.1.1) is what another server says, and 203.0.113.7 hears": false,
		// gateways of Cisco and of Barracuda
		"550 #5.7.1 Your access to submit messages to this e-mail system has been rejected.": false,
		"550 #5.1.0 Address rejected.": true, "550 5.1.0 Address rejected": true, "550 cuda_nsu No such user": true,
		// words alone, about the sender: reputation, limits, checks
		"550 rejected because 203.0.113.7 is in a black list at zen.spamhaus.org":  false,
		"550 JunkMail rejected - host [203.0.113.7] is in an RBL":                  false,
		"550 Your IP address is listed at zen.spamhaus.org":                        false,
		"550 IP 203.0.113.7 listed on b.barracudacentral.org":                      false,
		"550 Address 2001:db8::7 is listed by us":                                  false,
		"550 This system is configured to reject mail from you (Host blacklisted)": false,
		"550 Rejected: your host has a bad reputation":                             false,
		"550 bad reputation of an unknown network":                                 false,
		"550 SPF check failed: 203.0.113.7 may not send mail from example.com":     false,
		"550 SPF check failed for this address":                                    false,
		"550 DMARC check failed":                                                   false,
		"550 DKIM signature of an unknown domain":                                  false,
		"550 Reverse DNS lookup failed for host 203.0.113.7":                       false,
		"550 PTR record not found":                                                 false,
		"550 Access denied":                                                        false,
		"550 Recipient address rejected: Access denied":                            false, // as its 5.4.1
		"550 Daily limit exceeded":                                                 false,
		"550 Daily limit of this account exceeded":                                 false,
		"550 Quota exceeded for your account, daily limit reached":                 false,
		"550 You have exceeded the number of messages you may send today":          false,
		"550 Too many emails from your host":                                       false,
		"550 Too many recipients":                                                  false,
		"550 maximum number of recipients":                                         false,
		"550 submission disabled for this account":                                 false,
		"550 TLS required":                                                         false,
		"550 must issue a STARTTLS command first":                                  false,
		"553 You must authenticate first":                                          false,
		"550 authorization failed":                                                 false,
		"550 Greylisted, try again later":                                          false,
		"550 This user cannot take mail now, try again later":                      false,
		"550 Recipient Rejected: Temporarily inactive":                             false,
		"550 Callback setup failed while verifying <no-reply@example.com>":         false,
		"551 not our customer; please relay via your ISP":                          false,
		"550 no": false, "550": false,
		// words alone, about a mailbox that is not there
		"550 mailbox unavailable": true, "550 Requested action not taken: mailbox unavailable": true, "550 mailbox is full": true,
		"550 User unknown": true, "550 Invalid recipient": true, "550 Recipient not found": true, "550 Account disabled": true,
		"550 <owner@example.net> does not exist": true, "550 owner@example.net: unknown": true, "550 not our customer": true,
		"550 Unroutable address": true, "550 nobody here by that name": true, "550 this address doesn't exist": true,
		// without a status code, and with the one that says nothing
		"550 no such user": true, "551 user not local": true, "553 mailbox name not allowed": true,
		"550 5.0.0 no such user": true, "554 5.0.0 no": false,
		"552 too many recipients": false, "554 transaction failed": false, "503 bad sequence": false, "530 authentication required": false,
		"550 4.2.2 mailbox full": false, "450 5.1.1 come again": false,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			e := fails(t, send(t.Context(), t, recite(t, append(taken, text)...)))
			if got := e.Outcome == mail.Refused; got != final || e.Step != "recipient" {
				t.Errorf("refused %t, want %t: %v", got, final, e)
			}
		})
	}
}

// security 23: a reply to the content refuses a mail when it is about the recipient, the
// size or the form. That of Amazon SES is in its "Amazon SES email sending errors".
func TestRefusalOfTheContent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mail.Outcome{
		"550 5.1.1 no such user": mail.Refused, "554 5.6.0 corrupt message content": mail.Refused,
		"552 5.2.3 message too long for the mailbox": mail.Refused, "552 message exceeds fixed maximum size": mail.Refused,
		"554 Message rejected: Email address is not verified.": mail.Deferred, // Amazon SES, of the sender
		"554 5.7.1 content rejected":                           mail.Deferred, "550 5.4.5 Daily user sending limit exceeded": mail.Deferred,
		"554 delivery error: dd Requested mail action aborted": mail.Deferred, // Yahoo, of a mailbox or a sender
		"550 5.7.26 unauthenticated":                           mail.Deferred, "554 5.2.252 SendAsDenied": mail.Deferred, "554 no": mail.Deferred, "550 no": mail.Deferred,
		"552 5.3.4 message too big for the system": mail.Deferred, "451 4.3.0 busy": mail.Deferred,
		"251 will forward": mail.Unknown, "hello": mail.Unknown,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := fails(t, send(t.Context(), t, recite(t, append(ready, text)...)))
			if got.Outcome != want || got.Step != "content" {
				t.Errorf("got %v, want %s", got, want)
			}
		})
	}
}

// security 38: an error holds the numbers of a reply and nothing else of it.
func TestErrorTellsNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"550 5.4.5 owner@example.net":  "mail deferred at recipient, reply code 550 5.4.5",
		"550 no user owner 5.1.1":      "mail refused at recipient, reply code 550",
		"550 5.1.1234 no user owner":   "mail refused at recipient, reply code 550",
		"550 no user owner (#5.1.1)":   "mail refused at recipient, reply code 550 5.1.1",
		"owner@example.net":            "mail deferred at recipient, no reply code",
		"550-5.1.1 owner\r\n550 5.1.1": "mail refused at recipient, reply code 550 5.1.1",
	} {
		if diff := cmp.Diff(want, send(t.Context(), t, recite(t, append(taken, text)...)).Error()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

// The name that a mail server is greeted with is a full one.
func TestHello(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "example.com", "accounts.example.com": "accounts.example.com", "bücher.example": "xn--bcher-kva.example",
		"192.0.2.7": "[192.0.2.7]", "[192.0.2.7]": "[192.0.2.7]", "::1": "[IPv6:::1]", "2001:db8::7": "[IPv6:2001:db8::7]",
	} {
		srv, config := serve(t, script{})
		config.Hello = name
		if err := send(t.Context(), t, config); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if got := <-srv.names; got != want {
			t.Errorf("%q: greeted as %q, want %q", name, got, want)
		}
	}
}

// A domain of the sender in other letters than ASCII is written in A-labels, in the envelope
// and in the header.
func TestSenderInUnicode(t *testing.T) {
	t.Parallel()
	srv, config := serve(t, script{})
	config.From = "Bücher <no-reply@bücher.example>"
	if err := send(t.Context(), t, config); err != nil {
		t.Fatal(err)
	}
	if got := <-srv.from; got != "no-reply@xn--bcher-kva.example" {
		t.Errorf("from %s", got)
	}
	if got := <-srv.mails; !strings.Contains(got, "<no-reply@xn--bcher-kva.example>\r\n") {
		t.Errorf("the mail:\n%s", got)
	}
}
