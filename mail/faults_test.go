package mail_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

var hello = mail.Message{
	ID: "1@example.com", To: "owner@example.net", Subject: "Hello",
	Text: "https://example.com/secret-link\n", HTML: "<p>https://example.com/secret-link</p>\n",
}

// A reply about the recipient or the content refuses a mail, a lost reply to the content leaves
// it open. Every other failure is retried. security 23: a link is kept alive exactly when its
// mail may have arrived.
func TestSendOutcomes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script script
		want   mail.Error
	}{
		"421 at hello":           {script{hello: replies(421)}, mail.Error{Outcome: mail.Deferred, Code: 421, Step: "hello"}},
		"554 at hello":           {script{hello: replies(554)}, mail.Error{Outcome: mail.Deferred, Code: 554, Step: "hello"}},
		"drop at hello":          {script{hello: drops}, mail.Error{Outcome: mail.Deferred, Step: "hello"}},
		"450 at the sender":      {script{sender: replies(450)}, mail.Error{Outcome: mail.Deferred, Code: 450, Step: "sender"}},
		"530 at the sender":      {script{sender: replies(530)}, mail.Error{Outcome: mail.Deferred, Code: 530, Step: "sender"}},
		"550 at the sender":      {script{sender: replies(550)}, mail.Error{Outcome: mail.Deferred, Code: 550, Step: "sender"}},
		"421 at the recipient":   {script{recipient: replies(421)}, mail.Error{Outcome: mail.Deferred, Code: 421, Step: "recipient"}},
		"450 at the recipient":   {script{recipient: replies(450)}, mail.Error{Outcome: mail.Deferred, Code: 450, Step: "recipient"}},
		"503 at the recipient":   {script{recipient: replies(503)}, mail.Error{Outcome: mail.Deferred, Code: 503, Step: "recipient"}},
		"530 at the recipient":   {script{recipient: replies(530)}, mail.Error{Outcome: mail.Deferred, Code: 530, Step: "recipient"}},
		"550 at the recipient":   {script{recipient: replies(550, "no such user")}, mail.Error{Outcome: mail.Refused, Code: 550, Step: "recipient"}},
		"drop at the recipient":  {script{recipient: drops}, mail.Error{Outcome: mail.Deferred, Step: "recipient"}},
		"451 after the content":  {script{content: after(replies(451))}, mail.Error{Outcome: mail.Deferred, Code: 451, Step: "content"}},
		"421 after the content":  {script{content: after(replies(421))}, mail.Error{Outcome: mail.Deferred, Code: 421, Step: "content"}},
		"552 after the content":  {script{content: after(replies(552))}, mail.Error{Outcome: mail.Refused, Code: 552, Step: "content"}},
		"554 after the content":  {script{content: after(replies(554))}, mail.Error{Outcome: mail.Deferred, Code: 554, Step: "content"}},
		"drop after the content": {script{content: after(drops)}, mail.Error{Outcome: mail.Unknown, Step: "content"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, config := serve(t, test.script)
			if diff := cmp.Diff(&test.want, fails(t, send(t.Context(), t, config))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The replies that go-smtp never gives: to the connection and to the DATA command.
func TestSendReplies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replies []string
		want    mail.Error
	}{
		"421 at connect": {[]string{"421 busy"}, mail.Error{Outcome: mail.Deferred, Code: 421, Step: "greeting"}},
		"554 at connect": {[]string{"554 no"}, mail.Error{Outcome: mail.Deferred, Code: 554, Step: "greeting"}},
		"nonsense":       {[]string{"hello"}, mail.Error{Outcome: mail.Deferred, Step: "greeting"}},
		"451 at data":    {[]string{"220 hi", "250 hi", "250 ok", "250 ok", "451 busy"}, mail.Error{Outcome: mail.Deferred, Code: 451, Step: "data"}},
		"554 at data":    {[]string{"220 hi", "250 hi", "250 ok", "250 ok", "554 no"}, mail.Error{Outcome: mail.Deferred, Code: 554, Step: "data"}},
		"drop at data":   {[]string{"220 hi", "250 hi", "250 ok", "250 ok"}, mail.Error{Outcome: mail.Deferred, Step: "data"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(&test.want, fails(t, send(t.Context(), t, recite(t, test.replies...)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A mail of which only a part was sent was not taken.
func TestSendTorn(t *testing.T) {
	t.Parallel()
	_, config := serve(t, script{data: drops})
	s, err := mail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	m := hello
	m.Text = strings.Repeat("more than any buffer holds\n", 1<<20)
	want := &mail.Error{Outcome: mail.Deferred, Step: "content"}
	if diff := cmp.Diff(want, fails(t, s.Send(t.Context(), m))); diff != "" {
		t.Error(diff)
	}
}

// One SMTP serves every activity of a worker at once.
func TestSendConcurrently(t *testing.T) {
	t.Parallel()
	srv, config := serve(t, script{})
	s, err := mail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := s.Send(t.Context(), hello); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(srv.mails) != 8 {
		t.Errorf("%d mails arrived, want 8", len(srv.mails))
	}
}

// A mail server that stays silent holds a conversation for the timeout and no longer.
func TestSendTimeout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script script
		want   mail.Error
	}{
		"hello":     {script{hello: hangs}, mail.Error{Outcome: mail.Deferred, Step: "hello"}},
		"recipient": {script{recipient: hangs}, mail.Error{Outcome: mail.Deferred, Step: "recipient"}},
		"content":   {script{content: after(hangs)}, mail.Error{Outcome: mail.Unknown, Step: "content"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, config := serve(t, test.script)
			s, err := mail.NewSMTP(config)
			if err != nil {
				t.Fatal(err)
			}
			s.Hurry(3*time.Second, 3*time.Second) // enough for all steps before, on a busy machine too
			if diff := cmp.Diff(&test.want, fails(t, s.Send(t.Context(), hello))); diff != "" {
				t.Error(diff)
			}
			config.Timeout = 3 * time.Second // of all steps together
			if diff := cmp.Diff(&test.want, fails(t, send(t.Context(), t, config))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The last reply is waited for longer than any other. A mail server may read a mail before it
// takes it, and must not get it twice.
func TestSendPatient(t *testing.T) {
	t.Parallel()
	const reply = 2 * time.Second
	srv, config := serve(t, script{content: func(*smtp.Conn, string) error {
		<-time.After(2 * reply) // the time of such a server
		return nil
	}})
	s, err := mail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	s.Hurry(reply, time.Hour)
	if err := s.Send(t.Context(), hello); err != nil {
		t.Error(err)
	}
	if len(srv.mails) != 1 {
		t.Errorf("%d mails arrived, want 1", len(srv.mails))
	}
}

// A canceled activity does not wait for the mail server.
func TestSendCanceled(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script func(step func(*smtp.Conn) error) script
		want   mail.Outcome
	}{
		"at hello":          {func(step func(*smtp.Conn) error) script { return script{hello: step} }, mail.Deferred},
		"after the content": {func(step func(*smtp.Conn) error) script { return script{content: after(step)} }, mail.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, config := serve(t, test.script(func(c *smtp.Conn) error {
				cancel()
				return hangs(c)
			}))
			config.Timeout = time.Hour
			if got := fails(t, send(ctx, t, config)).Outcome; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestSendToNobody(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	config := mail.Config{Host: "127.0.0.1", Port: port, Security: mail.SecurityNone, From: "no-reply@example.com"}
	want := &mail.Error{Outcome: mail.Deferred, Step: "connect"}
	if diff := cmp.Diff(want, fails(t, send(t.Context(), t, config))); diff != "" {
		t.Error(diff)
	}
}

// security 38: whatever a mail server quotes, an error holds the code and nothing else.
func TestErrorQuotesNothing(t *testing.T) {
	t.Parallel()
	quote := []string{"<" + hello.To + ">: unknown,", "the mail was: " + hello.Text}
	for name, s := range map[string]script{
		"hello":     {hello: replies(554, quote...)},
		"sender":    {sender: replies(550, quote...)},
		"recipient": {recipient: replies(550, quote...)},
		"content": {content: func(_ *smtp.Conn, body string) error {
			return &smtp.SMTPError{Code: 554, Message: hello.To + " " + strings.Join(strings.Fields(body), " ")}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, config := serve(t, s)
			err := send(t.Context(), t, config)
			all := fmt.Sprintf("%v %+v %#v", err, *fails(t, err), *fails(t, err))
			for _, secret := range []string{"owner", "example", "link", "unknown"} {
				if strings.Contains(all, secret) {
					t.Errorf("the error holds %q: %s", secret, all)
				}
			}
			if errors.Unwrap(err) != nil {
				t.Error("the error wraps one that may quote")
			}
		})
	}
}

func send(ctx context.Context, t *testing.T, c mail.Config) error {
	t.Helper()
	s, err := mail.NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Send(ctx, hello)
}

func fails(t *testing.T, err error) *mail.Error {
	t.Helper()
	e, ok := errors.AsType[*mail.Error](err)
	if !ok {
		t.Fatalf("got %v, want a *mail.Error", err)
	}
	return e
}
