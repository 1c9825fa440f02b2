package e2e

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

// secondStarter is another process's client: a used link is used for all.
func secondStarter(t *testing.T, s *stack.Stack) *starter.Client {
	t.Helper()
	c, err := starter.Dial(t.Context(), starter.Config{
		Temporal: s.TemporalOptions(), Keys: s.Keys, BaseURL: link.MustParseBaseURL(s.URL), Product: stack.Product,
		Policy: password.DefaultPolicy(), Hashing: cheap, Budget: password.NewBudget(2, 200, time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// submitter submits a password through a link and returns the outcome. On a slow machine Temporal
// may not answer in time: the password is "pending" then too, since a retry gets the outcome.
type submitter func(ctx context.Context, token, newPassword string) string

// submitters are the two ways in, which know nothing of each other.
func submitters(t *testing.T, s *stack.Stack) []submitter {
	t.Helper()
	second := secondStarter(t, s)
	return []submitter{
		func(_ context.Context, token, pw string) string {
			a := postAside(s, "/account/reset_password/"+token, "password", pw)
			if a.Code == "unavailable" {
				return "pending"
			}
			return a.Status + a.Code
		},
		func(ctx context.Context, token, pw string) string {
			switch err := second.Submit(ctx, token, pw); {
			case err == nil:
				return "okay"
			case errors.Is(err, starter.ErrPending), errors.Is(err, starter.ErrUnavailable):
				return "pending"
			case errors.Is(err, starter.ErrLinkUsed):
				return "errorlink_used"
			default:
				return err.Error()
			}
		},
	}
}

// atOnce submits all passwords at once, each again while it is pending.
func atOnce(ctx context.Context, ways []submitter, token string, passwords []string) []string {
	answers, all := make([]string, len(passwords)), sync.WaitGroup{}
	for i, pw := range passwords {
		all.Go(func() {
			for answers[i] = "pending"; answers[i] == "pending"; {
				answers[i] = ways[i%len(ways)](ctx, token, pw)
			}
		})
	}
	all.Wait()
	return answers
}

// security 5: of 8 submissions at once, through two starters, exactly one succeeds, and
// its password is the one that counts; 200 times.
func TestParallelSubmissions(t *testing.T) {
	t.Parallel()
	const links, submissions = 200, 8
	ways := submitters(t, shared)
	var passwords []string
	for i := range submissions {
		passwords = append(passwords, newPassword+strings.Repeat("!", i))
	}
	withLinks(t, links, func(t *testing.T, who account.Account, token string) {
		t.Helper()
		oneCounts(t, who, passwords, atOnce(t.Context(), ways, token, passwords))
	})
}

// withLinks runs a function for n people with a mailed link, four at a time. Each has a test of
// its own, which may end where it stands. The short suite takes a fifth of them.
func withLinks(t *testing.T, n int, do func(t *testing.T, who account.Account, token string)) {
	t.Helper()
	if !suite.All() {
		n /= 5
	}
	var all errgroup.Group
	all.SetLimit(4)
	defer all.Wait() // no function returns an error
	for range n {
		who := newPerson(t, shared, nil)
		all.Go(func() error {
			t.Run(who.ID, func(t *testing.T) {
				forgot(t, shared, who.Address)
				token, _ := tokens(t, shared, who.Address, 1)
				do(t, who, token)
			})
			return nil
		})
	}
}

// oneCounts checks that one submission was answered "okay" and all others link_used, and
// that the store has its password and changed once.
func oneCounts(t *testing.T, who account.Account, passwords, answers []string) {
	t.Helper()
	winner := slices.Index(answers, "okay")
	rest := slices.DeleteFunc(slices.Clone(answers), func(a string) bool { return a == "errorlink_used" })
	if winner < 0 || len(rest) != 1 {
		t.Fatalf("answers: %q", answers)
	}
	now, err := shared.Store.Account(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	right, err := password.Verify(now.Credential, passwords[winner])
	changes := slices.DeleteFunc(auditOf(t, shared, who), func(e account.Event) bool { return e != account.EventPasswordChanged })
	if !right || err != nil || len(changes) != 1 {
		t.Errorf("the winner's password is stored: %t (%v); %d changes", right, err, len(changes))
	}
}

// security 36: a double click is okay twice, also when it meets two starters.
func TestDoubleClick(t *testing.T) {
	t.Parallel()
	ways := submitters(t, shared)
	withLinks(t, 50, func(t *testing.T, _ account.Account, token string) {
		t.Helper()
		if answers := atOnce(t.Context(), ways, token, []string{newPassword, newPassword}); answers[0] != "okay" || answers[1] != "okay" {
			t.Errorf("answers: %q", answers)
		}
	})
}

// security 5: two links of one reset, used at once, are one password change.
func TestTwoLinksAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	for range 10 {
		who := newPerson(t, s, nil)
		forgot(t, s, who.Address)
		first, _ := tokens(t, s, who.Address, 1)
		waitForTimer(t, s, who.Address)
		forgot(t, s, who.Address)
		second, _ := tokens(t, s, who.Address, 2)
		answers, both := make([]answer, 2), sync.WaitGroup{}
		for i, token := range []string{first, second} {
			both.Go(func() {
				answers[i] = postAside(s, "/account/reset_password/"+token, "password", newPassword+strings.Repeat("!", i))
			})
		}
		both.Wait()
		codes := []string{answers[0].Status + answers[0].Code, answers[1].Status + answers[1].Code}
		slices.Sort(codes)
		if !slices.Equal(codes, []string{"errorlink_used", "okay"}) {
			t.Errorf("%s: %q", who.ID, codes)
		}
	}
}

// security 5: a link that is used and canceled at once has one outcome, and both get the same
// answer.
func TestSubmitAgainstCancel(t *testing.T) {
	t.Parallel()
	var used, canceled atomic.Int64
	for range 20 {
		who := newPerson(t, shared, nil)
		forgot(t, shared, who.Address)
		token, cancel := tokens(t, shared, who.Address, 1)
		var submitted, called answer
		var both sync.WaitGroup
		both.Go(func() { submitted = postAside(shared, "/account/reset_password/"+token, "password", newPassword) })
		both.Go(func() { called = postAside(shared, "/account/cancel_reset", "token", cancel) })
		both.Wait()
		changed := slices.Contains(auditOf(t, shared, who), account.EventPasswordChanged)
		switch {
		case submitted.code == 200 && called.Code == "link_used" && changed:
			used.Add(1)
		case submitted.Code == "link_canceled" && called.code == 200 && !changed:
			canceled.Add(1)
		default:
			t.Errorf("%s: the submission %+v, the cancel %+v, changed %t", who.ID, submitted, called, changed)
		}
	}
	t.Logf("%d used, %d canceled", used.Load(), canceled.Load())
}

// security 15: the eleventh password on a link within a minute is not evaluated, and the
// link is as good as before.
func TestTenPasswordsPerLinkAndMinute(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	for range 10 {
		if a := reset(t, s, token, "aaaaaaaaaaaaaaaaaaaaaa"); a.Code != "password_too_weak" {
			t.Fatalf("%+v", a)
		}
	}
	for _, pw := range []string{"aaaaaaaaaaaaaaaaaaaaaa", newPassword} {
		if a := reset(t, s, token, pw); a.code != 503 || a.Code != "busy" {
			t.Errorf("more than ten: %+v", a)
		}
	}
	ahead.Store(int64(time.Minute))
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("a minute later: %+v", a)
	}
}
