package e2e

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
)

// skew is how far the clocks of starter and worker may differ.
const skew = time.Minute

// once fails the next mails to each address with these errors, one after the other.
type once struct {
	mu   sync.Mutex
	left map[string][]error
}

func (o *once) fault(m inbox.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	to := m.Recipients[0]
	if len(o.left[to]) == 0 {
		return nil
	}
	err := o.left[to][0]
	o.left[to] = o.left[to][1:]
	return err
}

func (o *once) fail(to string, errs ...error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left[to] = errs
}

// claims reads a link.
func claims(t *testing.T, s *stack.Stack, token string) link.Claims {
	t.Helper()
	aead, aeadErr := s.Keys.Link()
	box, err := link.New(aead, link.MustParseBaseURL(s.URL), "default")
	if err = errors.Join(aeadErr, err); err != nil {
		t.Fatal(err)
	}
	c, _, err := box.Open(link.Reset, token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkLife checks that a link lives for its whole life from when the mail server took it.
// It counts from the attempt, which takes a minute at most, as much as a starter adds.
func checkLife(t *testing.T, s *stack.Stack, m inbox.Message, token string) {
	t.Helper()
	expires := claims(t, s, token).Expires
	if whole := m.Created.Add(starter.DefaultLinkLife); expires.Add(skew).Before(whole) || expires.After(whole) {
		t.Errorf("taken at %s, expires at %s", m.Created, expires)
	}
}

// The mail comes although the first conversation fails, and its link works for 30 minutes from
// then. The notice comes although its first one fails as well.
//
// security 6, 18, 23.
func TestMailFaultsThatPass(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.MailTimeout = 5 * time.Second })
	recipients, contents := &once{left: map[string][]error{}}, &once{left: map[string][]error{}}
	s.Mail.FailAt(inbox.Recipient, recipients.fault)
	s.Mail.Fail(contents.fault)
	for name, tc := range map[string]struct {
		at    *once
		err   error
		mails int // of one kind
	}{
		"450 greylisting":        {recipients, inbox.Reply(450, "come again"), 1},
		"421 in mid-session":     {recipients, inbox.Reply(421, "going down"), 1},
		"451 after the mail":     {contents, inbox.Reply(451, "busy"), 1},
		"cut before it was kept": {contents, inbox.ErrDropped, 1},
		"cut after it was kept":  {contents, inbox.ErrLost, 2},
		"silence after the mail": {contents, inbox.ErrHang, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, s, nil)
			tc.at.fail(who.Address, tc.err)
			asked := time.Now()
			forgot(t, s, who.Address)
			token, _ := tokens(t, s, who.Address, tc.mails)
			links := mailsTo(t, s, who, tc.mails)
			checkLife(t, s, links[tc.mails-1], token)
			if expires := claims(t, s, token).Expires; !expires.After(asked.Add(starter.DefaultLinkLife)) {
				t.Error("the link's life counts from the request")
			}
			tc.at.fail(who.Address, tc.err)
			first, _ := tokens(t, s, who.Address, 1)
			if a := reset(t, s, first, newPassword); a.code != 200 {
				t.Errorf("the link: %+v", a)
			}
			// security 10: of a mail that came twice either link works, and not both.
			if a := reset(t, s, token, otherPassword); a.Code != "link_used" {
				t.Errorf("another password: %+v", a)
			}
			waitFor(t, s, who, statemachine.StateCompleted)
			all := mailsTo(t, s, who, 2*tc.mails)
			if len(all) != 2*tc.mails || all[0].MessageID != all[tc.mails-1].MessageID ||
				all[tc.mails].MessageID != all[len(all)-1].MessageID || resetLink.MatchString(all[len(all)-1].Text) {
				t.Errorf("%d mails: %+v", len(all), all)
			}
		})
	}
}

func mailsTo(t *testing.T, s *stack.Stack, who account.Account, n int) []inbox.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := s.Mail.Wait(ctx, who.Address, n)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

// Failures before the mail server knows the recipient: its greeting, and rekey's login. They
// are never the owner's fault.
//
// security 23.
func TestMailServerUnavailable(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.MailUser = "rekey" })
	who := newPerson(t, s, nil)
	s.Mail.FailAt(inbox.Greeting, inbox.Next(inbox.Reply(421, "busy"), inbox.ErrDropped))
	s.Mail.FailAt(inbox.Login, inbox.Next(inbox.Reply(535, "wrong password")))
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	checkLife(t, s, mailsTo(t, s, who, 1)[0], token)
	s.Mail.FailAt(inbox.Login, inbox.Next(inbox.Reply(535, "wrong password")))
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("the link: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	if n := len(mailsTo(t, s, who, 2)); n != 2 {
		t.Errorf("%d mails, want the link and the notice", n)
	}
	want := []account.Event{
		account.EventMailIssued, account.EventMailRevoked, account.EventMailIssued, account.EventMailRevoked,
		account.EventMailIssued, account.EventMailRevoked, account.EventMailIssued, account.EventPasswordChanged,
	}
	if diff := cmp.Diff(want, auditOf(t, s, who)); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

// A recipient or a mail is refused for good. The answer is the usual one, and no working link
// is left. The mail server's text is neither logged nor kept by Temporal.
//
// security 2, 23, 38.
func TestMailRefusedIsToldToNobody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at   inbox.Step
		code int
	}{
		"550 for the recipient": {inbox.Recipient, 550},
		"552 after the mail":    {inbox.Content, 552},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var log bytes.Buffer
			cfg := config(dir)
			cfg.Memory, cfg.UI, cfg.Log = false, "", zerolog.New(zerolog.SyncWriter(&log))
			s, err := stack.Start(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			who := newPerson(t, s, func(a *account.Account) { a.Address = "marked.owner@example.com" })
			seen := make(chan string, 1)
			s.Mail.FailAt(tc.at, func(m inbox.Message) error {
				seen <- m.Text // a second attempt would be one too many, and hang
				return inbox.Reply(tc.code, "marked reply: no such user <"+m.Recipients[0]+"> "+resetLink.FindString(m.Text))
			})
			forgot(t, s, who.Address)
			waitForTimer(t, s, who.Address)
			want := []account.Event{account.EventMailIssued, account.EventMailRevoked, account.EventMailWithheld}
			if diff := cmp.Diff(want, auditOf(t, s, who)); diff != "" {
				t.Errorf("audit log (-want +got):\n%s", diff)
			}
			secrets := []string{who.Address, "marked reply"}
			if text := <-seen; tc.at == inbox.Content {
				token := resetLink.FindStringSubmatch(text)[1]
				secrets = append(secrets, token, raw(t, token))
				checkDead(t, s, who, token)
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			absent(t, "Temporal's database", files(t, dir, "temporal.db"), secrets)
			if !bytes.Contains(log.Bytes(), []byte("/account/forgot_password")) {
				t.Fatal("the request is not in the log")
			}
			absent(t, "the log", log.Bytes(), secrets)
		})
	}
}

// checkDead uses a link that has no record. The run goes on waiting for one that has, as
// after a forged submission.
func checkDead(t *testing.T, s *stack.Stack, who account.Account, token string) {
	t.Helper()
	if a := reset(t, s, token, newPassword); a.code == 200 || a.code == 202 {
		t.Errorf("a link whose mail was refused: %+v", a)
	}
	now, err := s.Store.Account(t.Context(), who.ID)
	if err != nil || now.Credential != who.Credential {
		t.Errorf("the password was changed: %v", err)
	}
}
