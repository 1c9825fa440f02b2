package activities_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
)

// echo is a mail server that refuses a mail and quotes all of it.
type echo struct {
	code int
	got  chan string
	to   string
}

func (e *echo) NewSession(*smtp.Conn) (smtp.Session, error) { return e, nil }
func (*echo) Reset()                                        {}
func (*echo) Logout() error                                 { return nil }
func (*echo) Mail(string, *smtp.MailOptions) error          { return nil }

func (e *echo) Rcpt(to string, _ *smtp.RcptOptions) error {
	e.to = to
	return nil
}

func (e *echo) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	text := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(b))
	e.got <- text
	found := links[link.Reset].FindString(text)
	return &smtp.SMTPError{Code: e.code, Message: "no thanks: " + e.to + " " + found}
}

// smtpThat is the real sender and a mail server that refuses.
func smtpThat(t *testing.T, code int) (activities.Mailer, *echo) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	e := &echo{code: code, got: make(chan string, 4)}
	server := smtp.NewServer(e)
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	sender, err := mail.NewSMTP(mail.Config{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Security: mail.SecurityNone,
		From: "no-reply@example.com", Timeout: 20 * time.Second,
	})
	must(t, err)
	return sender, e
}

// security 11, 38: text that a mail server or a foreign Mailer quotes stays out of the log and the
// audit log. It stays out of errors too, which Temporal keeps.
func TestNothingIsQuoted(t *testing.T) {
	t.Parallel()
	quoting := func(wrapped error) func(context.Context, mail.Message) error {
		return func(_ context.Context, m mail.Message) error {
			return fmt.Errorf("550 %s: %s: %w", m.To, m.Text, wrapped)
		}
	}
	for name, fail := range map[string]func(context.Context, mail.Message) error{
		"explained":     quoting(&mail.Error{Outcome: mail.Deferred, Code: 450, Step: "data"}),
		"not explained": quoting(errors.New("odd")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			w := watch(s)
			s.mailer.fail = fail
			_, err := s.sendLink(t, wanted(ann.Address))
			if err == nil {
				t.Fatal("a failed mail is no error")
			}
			digest := s.mailed(t).Digest()
			secrets := []string{
				ann.Address, s.mailed(t).Text(), ann.Credential,
				hex.EncodeToString(digest[:]), hex.EncodeToString(w.issued[0].Key[:]),
			}
			s.applied(t, ann, run, notice.Submission)
			_, noticeErr := s.notify(t)
			if noticeErr == nil {
				t.Fatal("a failed notice is no error")
			}
			clean(t, "error", err.Error()+noticeErr.Error(), secrets...)
			clean(t, "log", s.log.String(), secrets...)
			entries, err := s.store.Audit(t.Context(), ann.ID)
			must(t, err)
			clean(t, "audit log", fmt.Sprint(entries), secrets...)
			if !strings.Contains(s.log.String(), "Activity error.") {
				t.Error("the SDK logged no error, so this shows nothing")
			}
		})
	}
}

// security 38: the same with the real sender and a real conversation.
func TestMailServerIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		code int
		want flow.Delivery
	}{
		{code: 552, want: flow.Delivery{Mail: wanted("").Name(), Withheld: flow.MailRefused}},
		{code: 451},
	} {
		t.Run(strconv.Itoa(test.code), func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			w := watch(s)
			var server *echo
			s.Mailer, server = smtpThat(t, test.code)
			got, err := s.sendLink(t, wanted(ann.Address))
			if (err == nil) != (test.code == 552) {
				t.Errorf("reply %d: %v", test.code, err)
			}
			diff(t, "delivery", got, test.want)
			diff(t, "revoked", w.revoked, []account.RecordKey{w.issued[0].Key})
			found := links[link.Reset].FindStringSubmatch(<-server.got)
			if found == nil {
				t.Fatal("the mail held no link, so this shows nothing")
			}
			clean(t, "log and error", s.log.String()+fmt.Sprint(err), ann.Address, found[1])
		})
	}
}

// security 11: the log and the errors of a submission that cannot be applied.
func TestSubmissionIsNotQuoted(t *testing.T) {
	t.Parallel()
	s := linked(t)
	p := s.chosen(t, fresh)
	c := flow.Change{Run: run, Submission: s.submission(t, p)}
	s.Submissions = newSite(t).Submissions
	_, err := s.change(t, c)
	if err == nil {
		t.Fatal("a submission under an unknown key is no error")
	}
	clean(t, "log and error", s.log.String()+err.Error(), fresh, hex.EncodeToString(p.Digest[:]), s.mailed(t).Text(), ann.Address)
}
