package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
)

// The people of the story, each with an address of their own.
const (
	asker, askerAgain, user, disowner = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
)

// audited is a reset and its entries in the audit log in the end.
type audited struct {
	who   func(*account.Account)
	first func(t *testing.T, s *stack.Stack, who account.Account) // before the first request
	acts  func(t *testing.T, s *stack.Stack, who account.Account)
	ends  statemachine.State // "" when it need not end
	wants []account.Entry
}

func audits() map[string]audited {
	issued := account.Entry{Event: account.EventMailIssued, Client: asker}
	withheld := func(why flow.Reason) account.Entry {
		return account.Entry{Event: account.EventMailWithheld, Client: asker, Detail: string(why)}
	}
	return map[string]audited{
		"used": {
			acts: uses, ends: statemachine.StateCompleted,
			wants: []account.Entry{issued, {Event: account.EventPasswordChanged, Client: user}},
		},
		"used and then canceled by the owner": {
			acts: func(t *testing.T, s *stack.Stack, who account.Account) {
				t.Helper()
				uses(t, s, who)
				_, token := tokens(t, s, who.Address, 1)
				postFrom(t, s, disowner, "/account/cancel_reset", "token", token)
			},
			ends:  statemachine.StateCompleted,
			wants: []account.Entry{issued, {Event: account.EventPasswordChanged, Client: user}},
		},
		// A refused password and a foreign link come to no worker. The starter counts them;
		// with an audit line each, any client could fill the log.
		"weak passwords and links of nobody": {
			acts: func(t *testing.T, s *stack.Stack, who account.Account) {
				t.Helper()
				token, _ := tokens(t, s, who.Address, 1)
				waitForTimer(t, s, who.Address)
				for _, path := range []string{"/account/reset_password", "/account/cancel_reset"} {
					postFrom(t, s, user, path, "token", strings.Repeat("A", len(token)), "password", newPassword)
				}
				postFrom(t, s, user, "/account/reset_password", "token", token, "password", "aaaaaaaaaaaaaaaaaaaaaa")
			},
			wants: []account.Entry{issued},
		},
		"asked for twice": {
			acts: func(t *testing.T, s *stack.Stack, who account.Account) {
				t.Helper()
				waitForTimer(t, s, who.Address)
				postFrom(t, s, askerAgain, "/account/forgot_password", "email", who.Address)
				tokens(t, s, who.Address, 2)
			},
			wants: []account.Entry{issued, {Event: account.EventMailIssued, Client: askerAgain}},
		},
		"refused": {
			acts: func(t *testing.T, s *stack.Stack, who account.Account) {
				t.Helper()
				token, _ := tokens(t, s, who.Address, 1)
				who.Disabled = true
				if err := s.Store.Put(t.Context(), who); err != nil {
					t.Fatal(err)
				}
				postFrom(t, s, user, "/account/reset_password", "token", token, "password", newPassword)
			},
			ends:  statemachine.StateRefused,
			wants: []account.Entry{issued, {Event: account.EventChangeRefused, Client: user, Detail: account.ErrNotResettable.Error()}},
		},
		"canceled by the owner": {
			acts: func(t *testing.T, s *stack.Stack, who account.Account) {
				t.Helper()
				_, token := tokens(t, s, who.Address, 1)
				for range 2 {
					postFrom(t, s, disowner, "/account/cancel_reset", "token", token)
				}
			},
			ends: statemachine.StateCanceled,
			wants: []account.Entry{issued, {
				Event: account.EventResetCanceled, Client: disowner, Detail: "by the owner, with the link in the mail",
			}},
		},
		"canceled by an operator": {
			acts: func(t *testing.T, s *stack.Stack, who account.Account) {
				t.Helper()
				waitForTimer(t, s, who.Address)
				if err := temporalClient(t, s).CancelWorkflow(t.Context(), workflowID(t, s, who.Address), ""); err != nil {
					t.Fatal(err)
				}
			},
			ends:  statemachine.StateCanceled,
			wants: []account.Entry{issued, {Event: account.EventResetCanceled, Detail: "in Temporal"}},
		},
		"disabled": {
			who:   func(a *account.Account) { a.Disabled = true },
			acts:  waits,
			wants: []account.Entry{withheld(flow.Disabled)},
		},
		"refused by the mail server": {
			who:   func(a *account.Account) { a.Address = "refused." + a.Address },
			acts:  waits,
			wants: []account.Entry{issued, {Event: account.EventMailRevoked, Client: asker}, withheld(flow.MailRefused)},
		},
		"over the cap": {
			first: hadMails,
			acts:  waits,
			wants: []account.Entry{withheld(flow.MailLimit)},
		},
		"of nobody": {
			who:   func(a *account.Account) { a.Address, a.ID = "nobody."+a.Address, "" },
			acts:  waits,
			wants: nil, // attackers do not make the log grow
		},
	}
}

// hadMails counts as many mails for an account as it may have at once.
func hadMails(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	for mail := range worker.DefaultMailLimit {
		name := fmt.Sprint(who.ID, mail)
		_, err := s.Store.IssueToken(t.Context(), account.TokenRecord{
			Key: sha256.Sum256([]byte(name)), Scope: account.ScopePasswordReset, AccountID: who.ID, Address: who.Address,
			Run: "of earlier runs", Mail: name, Issued: time.Now(), Expires: time.Now().Add(time.Minute),
		}, worker.DefaultMailLimit)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func uses(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	token, _ := tokens(t, s, who.Address, 1)
	postFrom(t, s, user, "/account/reset_password", "token", token, "password", newPassword)
}

func waits(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	waitForTimer(t, s, who.Address)
}

// security 43: the audit log has every reset with its events, run, times and callers.
func TestAudit(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	s.Mail.Fail(func(m inbox.Message) error {
		if strings.HasPrefix(m.To[0].Address, "refused.") {
			return inbox.Reply(552, "the mailbox takes no more")
		}
		return nil
	})
	for name, tc := range audits() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := someone(t, s, tc.who)
			if tc.first != nil {
				tc.first(t, s, who)
			}
			began := time.Now()
			postFrom(t, s, asker, "/account/forgot_password", "email", who.Address)
			tc.acts(t, s, who)
			if tc.ends != "" {
				waitFor(t, s, who, tc.ends)
			}
			checkAudit(t, s, who, began, tc.wants)
		})
	}
}

// someone is a new person. One without an ID is not put into the store.
func someone(t *testing.T, s *stack.Stack, change func(*account.Account)) account.Account {
	t.Helper()
	who := account.Account{}
	made := newPerson(t, s, func(a *account.Account) {
		who = *a
		if change != nil {
			change(&who)
		}
		if who.ID != "" {
			*a = who
		}
	})
	if who.ID != "" {
		return made
	}
	return who
}

// checkAudit compares the log's entries of an account's newest run.
func checkAudit(t *testing.T, s *stack.Stack, who account.Account, began time.Time, wants []account.Entry) {
	t.Helper()
	run, err := temporalClient(t, s).DescribeWorkflowExecution(t.Context(), workflowID(t, s, who.Address), "")
	if err != nil {
		t.Fatal(err)
	}
	id := run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	got, err := s.Store.Audit(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	got = slices.DeleteFunc(got, func(e account.Entry) bool { return e.Run != id })
	for i := range got {
		if at := got[i].At; at.Before(began.Add(-time.Second)) || at.After(time.Now()) {
			t.Errorf("%s is of %s", got[i].Event, at)
		}
		got[i].At = time.Time{}
	}
	for i := range wants {
		wants[i].Run, wants[i].AccountID = id, who.ID
	}
	if diff := cmp.Diff(wants, got); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

// postFrom sends JSON as a client that has an address.
func postFrom(t *testing.T, s *stack.Stack, addr, path string, pairs ...string) {
	t.Helper()
	members := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		members[pair[0]] = pair[1]
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	resp, err := client.Post(s.URL+path, asJSON, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
