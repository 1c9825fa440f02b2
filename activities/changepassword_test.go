package activities_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

const fresh = "$argon2id$new"

// linked is a site that mailed a link to account ann.
func linked(t *testing.T) *site {
	t.Helper()
	s := newSite(t, ann)
	_, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	return s
}

// security 23, 36, 43: applied once, however often it is tried.
func TestChangeIsAppliedOnce(t *testing.T) {
	t.Parallel()
	s := linked(t)
	c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
	want := flow.Verdict{
		Event: statemachine.PasswordChanged, Run: run, Submission: c.Submission.ID, Account: ann.ID, Changed: start,
	}
	for range 2 {
		got, err := s.change(t, c)
		must(t, err)
		diff(t, "verdict", got, want)
		diff(t, "credential", s.credential(t), fresh)
	}
	s.audited(t, ann.ID, account.Entry{Event: account.EventMailIssued}, account.Entry{Event: account.EventPasswordChanged})
}

// security 27: a change that was copied to another run is not made there: no owner would get a
// notice. After a workflow reset the run has another ID, and names it.
func TestChangeOfAnotherRun(t *testing.T) {
	t.Parallel()
	const other = "5c2e9d10-0000-4000-8000-000000000000"
	s := linked(t)
	c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
	s.run.RunID = other
	for _, c.Sender = range []string{"", run} { // of 0.2.0, and of now
		if v, err := s.change(t, c); err == nil {
			t.Errorf("verdict %+v", v)
		}
		diff(t, "credential", s.credential(t), ann.Credential)
	}
	c.Sender = other
	v, err := s.change(t, c)
	must(t, err)
	diff(t, "after a workflow reset", v.Event, statemachine.PasswordChanged)
}

// A link that expires between acceptance and change is good: it came in time.
func TestChangeAfterTheLinkExpired(t *testing.T) {
	t.Parallel()
	s := linked(t)
	c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
	s.now = start.Add(24 * time.Hour)
	got, err := s.change(t, c)
	must(t, err)
	diff(t, "event", got.Event, statemachine.PasswordChanged)
}

// security 23: older than a day is refused, unless it was applied before.
func TestChangeThatIsTooOld(t *testing.T) {
	t.Parallel()
	s := linked(t)
	c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
	late := start.Add(24*time.Hour + time.Second)
	s.now = late
	got, err := s.change(t, c)
	must(t, err)
	diff(t, "verdict", got, flow.Verdict{
		Event: statemachine.ChangeRefused, Run: run, Submission: c.Submission.ID, Reason: "the submission is older than a day",
	})
	diff(t, "credential", s.credential(t), ann.Credential)
	s.audited(t, "", account.Entry{At: late, Event: account.EventChangeRefused, Detail: got.Reason})

	s.now = start
	_, err = s.change(t, c)
	must(t, err)
	s.now = late
	got, err = s.change(t, c)
	must(t, err)
	diff(t, "event of what was applied before", got.Event, statemachine.PasswordChanged)
}

// security 10, 26, 27, 28, 29: a foreign submission changes nothing, and the wait goes on.
func TestForeignSubmissions(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(t *testing.T, s *site) flow.Change{
		"not sealed": func(*testing.T, *site) flow.Change {
			return flow.Change{Run: run, Submission: flow.Submission{ID: "id", LinkRun: run, Sealed: []byte("$argon2id$new")}}
		},
		"empty": func(*testing.T, *site) flow.Change { return flow.Change{Run: run} },
		"of a token that was never mailed": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			p := keys.NewPassword{Hash: fresh, Digest: [32]byte{1}, Accepted: start}
			return flow.Change{Run: run, Submission: s.submission(t, p)}
		},
		"of the record's key, from the database": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			w := watch(s)
			again := wanted(ann.Address)
			again.Number = 2
			_, err := s.sendLink(t, again)
			must(t, err)
			p := keys.NewPassword{Hash: fresh, Digest: w.issued[0].Key, Accepted: start}
			return flow.Change{Run: run, Submission: s.submission(t, p)}
		},
		"of the cancel link": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			_, token := s.claims(t, "cancel", s.mailer.last(t))
			p := keys.NewPassword{Hash: fresh, Digest: token.Digest(), Accepted: start}
			return flow.Change{Run: run, Submission: s.submission(t, p)}
		},
		"with an ID that does not match": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
			c.Submission.ID = s.chosen(t, "$argon2id$other").ID()
			return c
		},
		"sealed for another link": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
			c.Submission.LinkRun = "b7c1d8f0-0000-4000-8000-000000000000"
			return c
		},
		"sealed for another account's run": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
			s.run.ID = workflow.ResetPassword.ID("ffeeddccbbaa99887766554433221100")
			return c
		},
		"of another run's link": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			return flow.Change{Run: "another", Sender: run, Submission: s.submission(t, s.chosen(t, fresh))}
		},
		"altered on its way": func(t *testing.T, s *site) flow.Change {
			t.Helper()
			c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
			c.Submission.Sealed[len(c.Submission.Sealed)-1] ^= 1
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := linked(t)
			c := forge(t, s)
			got, err := s.change(t, c)
			must(t, err)
			diff(t, "verdict", got, flow.Verdict{Event: statemachine.TokenUnknown, Run: c.Run, Submission: c.Submission.ID})
			diff(t, "credential", s.credential(t), ann.Credential)
		})
	}
}

// security 10: a change of the account since the mail refuses the link.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		since func(*account.Account)
		want  error
	}{
		"disabled": {func(a *account.Account) { a.Disabled = true }, account.ErrNotResettable},
		"SSO only": {func(a *account.Account) { a.Credential = "" }, account.ErrNotResettable},
		"moved":    {func(a *account.Account) { a.Address = "ann@example.org" }, account.ErrAddressChanged},
		"changed":  {func(a *account.Account) { a.Credential = "$argon2id$own" }, account.ErrCredentialChanged},
		"gone":     {nil, account.ErrAccountGone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := linked(t)
			if a := ann; test.since != nil {
				test.since(&a)
				must(t, s.store.Put(t.Context(), a))
			} else {
				must(t, s.store.Delete(t.Context(), ann.ID))
			}
			c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
			got, err := s.change(t, c)
			must(t, err)
			diff(t, "verdict", got, flow.Verdict{
				Event: statemachine.ChangeRefused, Run: run, Submission: c.Submission.ID, Reason: test.want.Error(),
			})
			s.audited(t, ann.ID,
				account.Entry{Event: account.EventMailIssued},
				account.Entry{Event: account.EventChangeRefused, Detail: test.want.Error()})
		})
	}
}

// security 23, 37: a fault that another worker, or a later start, can mend is an error and never a
// verdict. Temporal retries it.
func TestChangeIsTriedAgain(t *testing.T) {
	t.Parallel()
	t.Run("store away", func(t *testing.T) {
		t.Parallel()
		s := linked(t)
		c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
		w := watch(s)
		w.fail = errors.New("connection refused")
		if got, err := s.change(t, c); err == nil {
			t.Errorf("verdict %+v although the store is away", got)
		}
		w.fail = nil
		got, err := s.change(t, c)
		must(t, err)
		diff(t, "event", got.Event, statemachine.PasswordChanged)
	})
	t.Run("key unknown", func(t *testing.T) {
		t.Parallel()
		s := linked(t)
		other := newSite(t)
		s.sealer = other.sealer // whose key this worker lacks
		c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))}
		if got, err := s.change(t, c); err == nil {
			t.Errorf("verdict %+v although this worker lacks the key", got)
		}
		s.Submissions = other.Submissions
		got, err := s.change(t, c)
		must(t, err)
		diff(t, "event", got.Event, statemachine.PasswordChanged)
	})
}

// The wait stays open without a worker until a starter completes it.
func TestWaitStaysOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := s.attempt(t, "await-token-submission", nil, new(flow.Submission), nil)
	if !errors.Is(err, activity.ErrResultPending) {
		t.Errorf("the wait ended: %v", err)
	}
}
