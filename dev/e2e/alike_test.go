package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
)

// alike is a difference that could make the answers to an account and to an unknown address
// differ.
type alike struct {
	name  string
	who   func(*account.Account)
	first func(t *testing.T, s *stack.Stack, who account.Account) // before the first request
	noted account.Entry                                           // by the worker that has come to it; empty when none can
}

// allAlike are in the order in which the product is taken apart.
func allAlike() []alike {
	issued, revoked := account.Entry{Event: account.EventMailIssued}, account.Entry{Event: account.EventMailRevoked}
	withheld := func(why flow.Reason) account.Entry {
		return account.Entry{Event: account.EventMailWithheld, Detail: string(why)}
	}
	return []alike{
		{name: "known", noted: issued},
		{name: "disabled", who: func(a *account.Account) { a.Disabled = true }, noted: withheld(flow.Disabled)},
		{name: "not resettable", who: func(a *account.Account) { a.Resettable = false }, noted: withheld(flow.NotResettable)},
		{name: "no password of its own", who: func(a *account.Account) { a.Credential = "" }, noted: withheld(flow.NotResettable)},
		{name: "over the number of mails", first: hadMails, noted: withheld(flow.MailLimit)},
		{name: "refused by the mail server", first: mailServerSays(inbox.Reply(550, "no such mailbox")), noted: withheld(flow.MailRefused)},
		{name: "deferred by the mail server", first: mailServerSays(inbox.Reply(451, "greylisted")), noted: revoked},
		{name: "mail server down", first: withoutMailServer, noted: revoked},
		{name: "store unusable", first: func(t *testing.T, s *stack.Stack, _ account.Account) {
			t.Helper()
			if err := s.Store.Close(); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "no worker", first: func(t *testing.T, s *stack.Stack, _ account.Account) {
			t.Helper()
			if err := s.StopWorker(); err != nil {
				t.Fatal(err)
			}
		}},
	}
}

// mailServerSays lets the mail server answer so to all recipients.
func mailServerSays(reply error) func(*testing.T, *stack.Stack, account.Account) {
	return func(_ *testing.T, s *stack.Stack, _ account.Account) {
		s.Mail.FailAt(inbox.Recipient, func(inbox.Message) error { return reply })
	}
}

// withoutMailServer restarts the worker with a mail server that is not there.
func withoutMailServer(t *testing.T, s *stack.Stack, _ account.Account) {
	t.Helper()
	s.Smarthost = "127.0.0.1:1"
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// security 1: forgot_password answers an account in any state, with any fault, as it answers an
// unknown address. It does so before a worker has read the request, and afterwards.
func TestForgotAnswersAlike(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	cases, people := allAlike(), []account.Account{}
	for _, a := range cases {
		people = append(people, newPerson(t, s, a.who)) // as long as there is a store
	}
	want := forgotReplies(t, s, "nobody@example.com")
	for i, a := range cases {
		who := people[i]
		if a.first != nil {
			a.first(t, s, who)
		}
		early := forgotReplies(t, s, who.Address)
		if a.noted.Event != "" {
			process.Eventually(t, patience, "a worker has come to it: "+a.name, func() bool { return noted(t, s, who, a.noted) })
		}
		for when, got := range map[string]map[string]reply{"at once": early, "later": forgotReplies(t, s, who.Address)} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-nobody +account):\n%s", a.name, when, diff)
			}
		}
	}
}

// noted reports whether the audit log of an account has such an entry.
func noted(t *testing.T, s *stack.Stack, who account.Account, want account.Entry) bool {
	t.Helper()
	log, err := s.Store.Audit(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(log, func(e account.Entry) bool { return e.Event == want.Event && e.Detail == want.Detail })
}

// reply is all visible differences of an answer, but the time.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// forgotReplies requests a mail, by JSON and by the form.
func forgotReplies(t *testing.T, s *stack.Stack, address string) map[string]reply {
	t.Helper()
	replies := map[string]reply{}
	for kind, body := range map[string]string{asJSON: jsonOf("email", address), asForm: formOf("email", address)} {
		// On a busy machine Temporal may not answer the starter in time.
		process.Eventually(t, patience, "an answer to "+address, func() bool {
			replies[kind] = replyTo(t, s, kind, body)
			return replies[kind].Status != http.StatusServiceUnavailable
		})
	}
	return replies
}

func replyTo(t *testing.T, s *stack.Stack, kind, body string) reply {
	t.Helper()
	resp, err := http.Post(s.URL+"/account/forgot_password", kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Header.Del("Date")
	return reply{resp.StatusCode, resp.Header, string(text)}
}
