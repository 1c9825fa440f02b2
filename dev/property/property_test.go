package property

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"pgregory.net/rapid"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// passwords are choices of people; the last is too short.
var passwords = []string{"plum velvet thirty gulls", "brass kettle under ferns", "nine lanterns over the bay", "short"}

// site is the product of all stories, which run one after the other.
type site struct {
	*stack.Stack
	temporal client.Client
	accounts *keys.AccountKeys
	ahead    atomic.Int64 // of the clock
	people   int
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{}
	cfg := stack.Throwaway(t.TempDir())
	cfg.CoolDown = time.Nanosecond
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.Stack = stacktest.Start(t, cfg)
	var err error
	if s.accounts, err = s.Keys.AccountKeys(); err != nil {
		t.Fatal(err)
	}
	if s.temporal, err = client.Dial(s.TemporalOptions()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.temporal.Close)
	return s
}

// person is the account of one story, with the model of its fate.
type person struct {
	*site
	account.Account
	model model
	mails []inbox.Message // with a link, oldest first

	expiries int
}

func (s *site) newPerson(t *rapid.T) *person {
	s.people++
	hash := stack.Throwaway("").Hashing.Hash(demo.Password, make([]byte, 16))
	id := fmt.Sprintf("person-%d", s.people)
	p := &person{site: s, Account: account.Account{ID: id, Address: id + "@example.com", Credential: hash, Resettable: true}}
	p.model.password = demo.Password
	if err := s.Store.Put(context.Background(), p.Account); err != nil {
		t.Fatal(err)
	}
	return p
}

// security 5, 6, 10, 23, 29, 36: after any actions in any order, every answer is the model's. A
// link changes the password of its account once at most, and the owner is notified exactly when
// it did.
func TestStories(t *testing.T) {
	if !suite.All() { // a quarter of them, always the same, is the short suite's
		if err := errors.Join(flag.Set("rapid.checks", "25"), flag.Set("rapid.seed", "1")); err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t)
	rapid.Check(t, func(t *rapid.T) {
		p := s.newPerson(t)
		t.Repeat(map[string]func(*rapid.T){
			"request":  p.request,
			"submit":   p.submit,
			"repeat":   p.repeat,
			"forge":    p.forge,
			"cancel":   p.cancel,
			"expire":   p.expire,
			"restarts": p.restarts,
			"":         p.check,
		})
	})
}

// The model is small enough to be read and believed.
func TestModelIsSmall(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("model_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(b, []byte("\n")); lines > 62 {
		t.Errorf("%d lines", lines)
	}
}

func (p *person) request(t *rapid.T) {
	p.model.request(float64(p.Now().UnixNano()) / float64(time.Hour))
	p.expect(t, "okay", "/account/forgot_password", "email", p.Address)
	p.settle(t)
}

func (p *person) submit(t *rapid.T) {
	link := p.link(t)
	chosen := rapid.SampledFrom(passwords).Draw(t, "password")
	p.expect(t, p.model.submit(link, chosen), "/account/reset_password", "token", p.token(t, link, "change-password"), "password", chosen)
	p.settle(t)
}

// repeat is the last use of a link that worked, once more.
func (p *person) repeat(t *rapid.T) {
	if p.model.changes == 0 {
		t.Skip("nothing was changed")
	}
	for i := len(p.model.links) - 1; ; i-- {
		if r := p.model.links[i].of; r.password != "" {
			p.expect(t, p.model.submit(r.used, r.password), "/account/reset_password", "token", p.token(t, r.used, "change-password"), "password", r.password)
			break
		}
	}
	p.settle(t)
}

// forge changes a letter of a link, or takes the link for canceling to reset, and back.
func (p *person) forge(t *rapid.T) {
	link := p.link(t)
	reset, cancel := p.token(t, link, "change-password"), p.token(t, link, "cancel-reset")
	at := rapid.IntRange(0, len(reset)-1).Draw(t, "letter")
	other := "A"
	if reset[at] == 'A' {
		other = "B"
	}
	p.expect(t, "link_invalid", "/account/reset_password", "token", reset[:at]+other+reset[at+1:], "password", passwords[0])
	p.expect(t, "link_invalid", "/account/reset_password", "token", cancel, "password", passwords[0])
	p.expect(t, "link_invalid", "/account/cancel_reset", "token", reset)
}

func (p *person) cancel(t *rapid.T) {
	link := p.link(t)
	p.expect(t, p.model.cancel(link), "/account/cancel_reset", "token", p.token(t, link, "cancel-reset"))
	p.settle(t)
}

// expire lets half an hour pass. A link that ended a day ago tells nothing, which the model leaves
// out.
func (p *person) expire(t *rapid.T) {
	if p.expiries++; p.expiries > 30 {
		t.Skip("most of a day has passed")
	}
	p.ahead.Add(int64(32 * time.Minute))
	for _, l := range p.model.links {
		l.expired = true
	}
}

// restarts stops the worker and starts it again.
func (p *person) restarts(t *rapid.T) {
	if err := p.StopWorker(); err != nil {
		t.Fatal(err)
	}
	if err := p.StartWorker(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// check compares the stored data and the mails with the model.
func (p *person) check(t *rapid.T) {
	links, notices := p.sorted(t)
	if p.mails = links; len(links) != len(p.model.links) || notices != p.model.changes {
		t.Fatalf("%d mails with a link and %d notices, want %d and %d", len(links), notices, len(p.model.links), p.model.changes)
	}
	now, err := p.Store.Account(context.Background(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, p.model.password); !right || err != nil {
		t.Fatalf("the password is not %q: %v", p.model.password, err)
	}
	p.checkAudit(t)
	if want, got := p.wantState(), p.state(t); got != want {
		t.Fatalf("the run says %q, want %q", got, want)
	}
	p.ahead.Add(int64(7 * time.Second)) // a link takes ten passwords in a minute
}

// checkAudit checks that a run changed the password once at most, and that every request
// led to a mail or to a reason.
func (p *person) checkAudit(t *rapid.T) {
	entries, err := p.Store.Audit(context.Background(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	changes, mails := map[string]int{}, 0
	for _, e := range entries {
		switch e.Event {
		case account.EventPasswordChanged:
			changes[e.Run]++
		case account.EventMailIssued:
			mails++
		case account.EventMailWithheld:
			if e.Detail != string(flow.MailLimit) || mails < 5 {
				t.Fatalf("a mail is withheld: %s, after %d", e.Detail, mails)
			}
		case account.EventResetCanceled:
		case account.EventMailRevoked, account.EventChangeRefused, account.EventResetEnded, account.EventPasswordBlocked,
			account.EventPasswordSet, account.EventApplied,
			account.EventNoticeFailed, account.EventEventFailed, account.EventForgotten, account.EventMailBounced, account.EventMailComplaint:
			t.Fatalf("nothing in a story leads to %s", e.Event)
		}
	}
	if mails != len(p.model.links) || len(changes) != p.model.changes {
		t.Fatalf("audit log: %d mails and %d changes, want %d and %d", mails, len(changes), len(p.model.links), p.model.changes)
	}
	for run, n := range changes {
		if n != 1 {
			t.Fatalf("%d changes in run %s", n, run)
		}
	}
}

// wantState is the newest run's own state. An open one keeps it for its end.
func (p *person) wantState() statemachine.State {
	switch r := p.model.reset; {
	case r == nil:
		return ""
	case r.open:
		return statemachine.StateRequested
	case r.canceled:
		return statemachine.StateCanceled
	default:
		return statemachine.StateCompleted
	}
}

// link draws one of the mailed links.
func (p *person) link(t *rapid.T) int {
	if len(p.model.links) == 0 {
		t.Skip("no link was mailed")
	}
	return rapid.IntRange(0, len(p.model.links)-1).Draw(t, "link")
}

var tokens = map[string]*regexp.Regexp{
	"change-password": regexp.MustCompile(`/account/change-password/([A-Za-z0-9_-]+)`),
	"cancel-reset":    regexp.MustCompile(`/account/cancel-reset/([A-Za-z0-9_-]+)`),
}

func (p *person) token(t *rapid.T, link int, page string) string {
	m := tokens[page].FindStringSubmatch(p.mails[link].Text)
	if m == nil {
		t.Fatalf("no link to %s in the mail", page)
	}
	return m[1]
}

// sorted returns the mails with a link and counts the notices.
func (p *person) sorted(t *rapid.T) (links []inbox.Message, notices int) {
	mails, err := p.Mail.Wait(context.Background(), p.Address, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		if tokens["change-password"].MatchString(m.Text) {
			links = append(links, m)
		} else {
			notices++
		}
	}
	return links, notices
}

// expect sends JSON and compares the answer. Without an answer of a busy machine it is sent
// again, as a person would do.
func (p *person) expect(t *rapid.T, want, path string, pairs ...string) {
	body := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		body[pairs[i]] = pairs[i+1]
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	status, said := p.post(t, path, b)
	for late := time.Now().Add(2 * time.Minute); undecided(status) && time.Now().Before(late); {
		<-again.C
		status, said = p.post(t, path, b)
	}
	if said != want {
		t.Fatalf("%s: %d %s, want %s", path, status, said, want)
	}
}

func undecided(status int) bool {
	return status == http.StatusAccepted || status == http.StatusServiceUnavailable
}

// post returns the status of the answer and its word, which is the code of an error.
func (p *person) post(t *rapid.T, path string, body []byte) (status int, said string) {
	resp, err := http.Post(p.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got struct{ Status, Code string }
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimPrefix(got.Status+got.Code, "error")
}

// settle waits until the newest run has nothing to do but wait for its link, or has ended.
func (p *person) settle(t *rapid.T) {
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for late := time.After(time.Minute); !settled(p.describe(t)); {
		select {
		case <-again.C:
		case <-late:
			run := p.describe(t)
			t.Fatalf("the run is still in progress: %v, %v", run.GetPendingWorkflowTask(), run.GetPendingActivities())
		}
	}
}

func settled(run *workflowservice.DescribeWorkflowExecutionResponse) bool {
	if run.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return true
	}
	for _, a := range run.GetPendingActivities() {
		if a.GetActivityType().GetName() != flow.AwaitTokenSubmission {
			return false
		}
	}
	return run.GetPendingWorkflowTask() == nil && len(run.GetPendingActivities()) > 0
}

func (p *person) describe(t *rapid.T) *workflowservice.DescribeWorkflowExecutionResponse {
	run, err := p.temporal.DescribeWorkflowExecution(context.Background(), workflow.ResetPassword.ID(p.accounts.Key(p.Address)), "")
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// state is the newest run's state for an operator.
func (p *person) state(t *rapid.T) statemachine.State {
	if p.model.reset == nil {
		return ""
	}
	value := p.describe(t).GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()[flow.StateAttribute.GetName()]
	return statemachine.State(strings.Trim(string(value.GetData()), `"`))
}
