package inbox_test

import (
	"errors"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/dev/inbox"
)

// converse sends a mail by a client that logs in, and says how far it came.
func converse(i *inbox.Inbox) string {
	host, _, _ := net.SplitHostPort(i.SMTPAddr())
	err := smtp.SendMail(i.SMTPAddr(), smtp.PlainAuth("", "any", "one", host), "me@example.com", []string{"ann@example.com"}, []byte(reset))
	if err == nil {
		return "taken"
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		return strconv.Itoa(reply.Code)
	}
	return "no answer"
}

// A fault at any step fails that conversation, and the next mail is taken.
func TestFaultsAtEachStep(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]inbox.Step{
		"greeting": inbox.Greeting, "login": inbox.Login, "sender": inbox.Sender,
		"recipient": inbox.Recipient, "content": inbox.Content,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t)
			i.FailAt(at, inbox.Next(inbox.Reply(454, "not now"), inbox.ErrDropped))
			got := []string{converse(i), converse(i), converse(i)}
			if diff := cmp.Diff([]string{"454", "no answer", "taken"}, got); diff != "" {
				t.Error(diff)
			}
			if mails, err := i.Wait(t.Context(), "ann@example.com", 1); err != nil || len(mails) != 1 {
				t.Errorf("%d mails: %v", len(mails), err)
			}
		})
	}
}

// A step that hangs is over when the inbox is closed.
func TestCloseEndsAHungGreeting(t *testing.T) {
	t.Parallel()
	i, err := inbox.Start("", "")
	if err != nil {
		t.Fatal(err)
	}
	hung := make(chan struct{})
	i.FailAt(inbox.Greeting, func(inbox.Message) error { close(hung); return inbox.ErrHang })
	sent := make(chan string)
	go func() { sent <- converse(i) }()
	<-hung
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	if got := <-sent; got != "no answer" {
		t.Errorf("a hung conversation: %s", got)
	}
}
