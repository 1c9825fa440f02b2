package faults

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
)

var (
	done = flow.Outcome{State: statemachine.StateCompleted, Mails: 1}

	// The audit log of a first attempt that failed, and of the reset.
	tookBack = []account.Event{account.EventMailIssued, account.EventMailRevoked, account.EventMailIssued, account.EventPasswordChanged}
	leftOpen = []account.Event{account.EventMailIssued, account.EventMailIssued, account.EventPasswordChanged}
)

// fault is one that hits the first conversation and is over at the second.
type fault struct {
	at    inbox.Step
	err   error
	audit []account.Event
	mails int // link mails that arrive
}

// again is when a mail is tried again after it failed once: later when it may have arrived.
func (f fault) again() time.Duration {
	if slices.Equal(f.audit, leftOpen) {
		return 30 * time.Second
	}
	return time.Second
}

// passing are the faults that pass. A token is taken back where its mail was not taken for
// sure, and only there.
func passing() map[string]fault {
	return map[string]fault{
		"421 at the greeting":     {inbox.Greeting, inbox.Reply(421, "busy"), tookBack, 1},
		"554 at the greeting":     {inbox.Greeting, inbox.Reply(554, "no service"), tookBack, 1},
		"connection cut at once":  {inbox.Greeting, inbox.ErrDropped, tookBack, 1},
		"silence at the greeting": {inbox.Greeting, inbox.ErrHang, tookBack, 1},
		"535 at the login":        {inbox.Login, inbox.Reply(535, "wrong password"), tookBack, 1},
		"421 in mid-session":      {inbox.Sender, inbox.Reply(421, "going down"), tookBack, 1},
		"550 for the sender":      {inbox.Sender, inbox.Reply(550, "not you"), tookBack, 1},
		"450 greylisting":         {inbox.Recipient, inbox.Reply(450, "come again"), tookBack, 1},
		"connection cut at RCPT":  {inbox.Recipient, inbox.ErrDropped, tookBack, 1},
		"554 of the policy":       {inbox.Recipient, inbox.Reply(554, "5.7.1 client host blocked"), tookBack, 1},
		"451 for the mail":        {inbox.Content, inbox.Reply(451, "busy"), tookBack, 1},
		"554 after the mail":      {inbox.Content, inbox.Reply(554, "message rejected"), tookBack, 1},
		"cut before it was kept":  {inbox.Content, inbox.ErrDropped, leftOpen, 1},
		"cut after it was kept":   {inbox.Content, inbox.ErrLost, leftOpen, 2},
		"silence after the mail":  {inbox.Content, inbox.ErrHang, leftOpen, 1},
	}
}

// impatient logs in, so that a login can fail, and waits for a silent server for a while
// that a test can wait for.
func impatient(f fault) func(*mail.Config) {
	return func(c *mail.Config) {
		c.Username, c.Password = "rekey", "secret"
		if f.err == inbox.ErrHang { //nolint:errorlint // it is the table's value
			c.Timeout = 3 * time.Second
		}
	}
}

// A failed conversation is retried, and the link of the mail that arrives works. It lives for
// 30 minutes from the attempt that was accepted. A mail that arrives twice has one Message-ID,
// and either link works.
//
// security 6, 23.
func TestMailServerFailsOnce(t *testing.T) {
	t.Parallel()
	for name, f := range passing() {
		for which := range f.mails {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, impatient(f))
				w.mail.FailAt(f.at, inbox.Next(f.err))
				w.at(10*time.Minute, func() {
					mails := w.mails()
					if len(mails) != f.mails {
						t.Fatalf("%d mails, want %d", len(mails), f.mails)
					}
					for i, m := range mails {
						claims, _, _ := w.claims(m)
						accepted := started.Add(f.again()) // by the second attempt
						if i+1 < len(mails) {
							accepted = started
						}
						diff(t, "expiry", claims.Expires, accepted.Add(life))
						diff(t, "Message-ID", m.MessageID, mails[0].MessageID)
					}
					if !w.use(mails[which]) {
						t.Error("the link is refused")
					}
				})
				diff(t, "outcome", w.run(), done)
				diff(t, "audit log", w.audit(), f.audit)
				diff(t, "credential", w.credential(), newHash)
			})
		}
	}
}

// A mail server that loses its answers gets a mail three times in a day, later each time. Then
// the run waits for the links that may have arrived: each works, and the last of them to its
// end. The copies count as mails, so that a limit below them ends it earlier.
//
// security 6, 23, 25.
func TestAnswersAreLost(t *testing.T) {
	t.Parallel()
	copies := []time.Duration{0, 30 * time.Second, 15*time.Minute + 30*time.Second}
	for limit, want := range map[int]struct {
		mails int
		end   time.Duration
	}{
		10: {3, copies[2] + lifetime},
		2:  {2, copies[2] + lifetime},
		1:  {1, copies[1] + lifetime},
	} {
		for used := range want.mails + 1 {
			t.Run(fmt.Sprintf("limit %d, link %d", limit, used), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, nil)
				w.acts.MailLimit = limit
				w.mail.Fail(func(inbox.Message) error { return inbox.ErrLost })
				w.at(20*time.Minute, func() {
					w.mail.Fail(nil)
					mails := w.mails()
					if len(mails) != want.mails {
						t.Fatalf("%d mails, want %d", len(mails), want.mails)
					}
					for i, m := range mails {
						claims, _, _ := w.claims(m)
						diff(t, "expiry", claims.Expires, started.Add(copies[i]+life))
						diff(t, "Message-ID", m.MessageID, mails[0].MessageID)
					}
					if used < want.mails && !w.use(mails[used]) {
						t.Error("the link is refused")
					}
				})
				out := w.run()
				diff(t, "withheld", out.Withheld, flow.MailUnknown)
				if used < want.mails {
					diff(t, "credential", w.credential(), newHash)
					return
				}
				diff(t, "state", out.State, statemachine.StateExpired)
				diff(t, "mails in all", len(w.mails()), want.mails)
				diff(t, "end", w.age(), want.end)
				if last := started.Add(copies[want.mails-1] + life).Format(time.RFC3339); !strings.Contains(w.details(), "**The last link expires:** "+last) {
					t.Errorf("details:\n%s", w.details())
				}
			})
		}
	}
}

// The mail server does not listen for two minutes. The link that comes in the end lives for 30
// minutes from then. It works after 30 minutes from the request, and is refused after its own.
//
// security 6, 23.
func TestConnectionsRefusedForTwoMinutes(t *testing.T) {
	t.Parallel()
	const accepted = 127 * time.Second // attempts at 0, 1, 3, 7, 15, 31, 63, 127 s
	for name, tc := range map[string]struct {
		used  time.Duration // after it was accepted
		taken bool
	}{
		"used late":     {life + skew - time.Second, true},
		"used too late": {life + skew + time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, open := newClosedWorld(t)
			w.at(2*time.Minute, open)
			w.at(accepted+time.Minute, func() {
				claims, _, _ := w.claims(w.mails()[0])
				diff(t, "expiry", claims.Expires, started.Add(accepted+life))
			})
			w.at(accepted+tc.used, func() {
				if !w.IsWorkflowCompleted() {
					diff(t, "taken", w.use(w.mails()[0]), tc.taken)
				}
			})
			out := w.run()
			if !tc.taken {
				diff(t, "outcome", out, flow.Outcome{State: statemachine.StateExpired, Mails: 1})
				diff(t, "end", w.age(), accepted+lifetime)
				diff(t, "credential", w.credential(), ann.Credential)
				return
			}
			diff(t, "outcome", out, done)
			diff(t, "credential", w.credential(), newHash)
			diff(t, "mails", len(w.mails()), 2) // the link and the notice
		})
	}
}

// A mail server that is away for a day is given up, and one that is back after most of it is
// not. This is the whole retry life, with 290 attempts, none of which leaves a link that works.
//
// security 23.
func TestConnectionsRefusedForADay(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	t.Run("for good", func(t *testing.T) {
		t.Parallel()
		w, _ := newClosedWorld(t)
		diff(t, "outcome", w.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 1, Withheld: flow.MailFailed})
		if end := w.age(); end < day-5*time.Minute || end > day+lifetime {
			t.Errorf("the run ended after %s", end)
		}
		n := len(w.audit())
		if w.tries < 250 || n != 2*w.tries {
			t.Errorf("%d attempts, and %d entries of links issued and taken back", w.tries, n)
		}
		w.checkNoToken(1)
	})
	t.Run("for 23 hours", func(t *testing.T) {
		t.Parallel()
		w, open := newClosedWorld(t)
		w.at(23*time.Hour, open)
		w.at(23*time.Hour+20*time.Minute, func() {
			if !w.use(w.mails()[0]) {
				t.Error("the link is refused")
			}
		})
		diff(t, "outcome", w.run(), done)
		diff(t, "credential", w.credential(), newHash)
	})
}

// A mail server that refuses a recipient or a mail for good gets no retry. No working link is
// left, also for a reader of the refused mail. The run goes on as any other, to its expiry. The
// quoted text reaches neither the log nor the run.
//
// security 2, 23, 38.
func TestMailRefused(t *testing.T) {
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
			w := newWorld(t, nil)
			var seen inbox.Message // by the refusing server
			w.mail.FailAt(tc.at, func(m inbox.Message) error {
				seen = m
				found := strings.Join(resetLink.FindStringSubmatch(m.Text), " ")
				return inbox.Reply(tc.code, "no such user <"+ann.Address+"> "+found)
			})
			w.at(10*time.Minute, func() {
				if tc.at == inbox.Content && !w.use(seen) {
					t.Error("a starter would not have taken the link, so this proves little")
				}
			})
			diff(t, "outcome", w.run(), flow.Outcome{
				State: statemachine.StateExpired, Mails: 1, Withheld: flow.MailRefused,
			})
			diff(t, "end", w.age(), lifetime)
			diff(t, "attempts", w.tries, 1)
			diff(t, "audit log", w.audit(), []account.Event{account.EventMailIssued, account.EventMailRevoked, account.EventMailWithheld})
			diff(t, "credential", w.credential(), ann.Credential)
			w.checkNoToken(1)
			w.checkSecrets(seen)
		})
	}
}

// checkNoToken checks that the store holds no token record: a sweep finds but the mails that
// were counted.
func (w *world) checkNoToken(mails int) {
	w.t.Helper()
	swept, err := w.store.Sweep(w.t.Context(), started.AddDate(1, 0, 0))
	must(w.t, err)
	diff(w.t, "swept", swept, mails)
}

// checkSecrets looks for the mail server's text in the log and in the details of a run.
func (w *world) checkSecrets(m inbox.Message) {
	w.t.Helper()
	secrets := append([]string{ann.Address, "no such user"}, resetLink.FindStringSubmatch(m.Text)...)
	log := w.log.String()
	if !strings.Contains(log, "ActivityType send-email") {
		w.t.Error("the log is empty, so this proves nothing")
	}
	for _, s := range secrets {
		if strings.Contains(log+w.details(), s) {
			w.t.Errorf("%q is told:\n%s\n%s", s, log, w.details())
		}
	}
}

// newClosedWorld is a world where the mail server's address has no listener until it is opened.
// Meanwhile the port is kept, so that no other listener gets it.
func newClosedWorld(t *testing.T) (w *world, open func()) {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	must(t, err)
	free := func() { syscall.Close(socket) }
	t.Cleanup(func() { free() })
	must(t, syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	bound, err := syscall.Getsockname(socket)
	must(t, err)
	addr := addrOf(bound)
	w = newWorldAt(t, addr, nil)
	return w, func() {
		free()
		free = func() {}
		if w.mail, err = inbox.Start(addr, ""); err != nil {
			t.Error(err)
		}
		t.Cleanup(func() { w.mail.Close() })
	}
}
