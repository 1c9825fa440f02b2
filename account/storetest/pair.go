package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account"
)

var ledgerChecks = []pairCheck{
	{"ledger/begin", begins},
	{"ledger/finish", finishes},
	{"ledger/first password", notesFirst},
	{"ledger/finish without begin", finishesUnbegun},
	{"ledger/end", endsBegun},
	{"ledger/sweep", sweepsBegun},
	{"ledger/forget", forgetsBegun},
	{"ledger/use", usesOwnTokens},
	{"ledger/lost use", leavesLostUses},
	{"ledger/block", notesBlock},
}

// begun checks the submissions of a run that were not applied.
func (s *pairSuite) begun(run string, want ...account.Begun) {
	s.Helper()
	got, err := s.ledger.Begun(s.Context(), run)
	s.must(err)
	s.same("submissions of "+run+" that began", want, got)
}

// begin notes a submission to a token, and returns what is kept of it.
func (s *pairSuite) begin(t account.TokenRecord, c account.Change) account.Begun {
	s.Helper()
	got, applied, err := s.ledger.Begin(s.Context(), c)
	s.must(err)
	s.same("applied", false, applied)
	s.same("the record", t, got)
	kept := account.Begun{Token: t, Change: c, Hash: account.CredentialDigest(c.Hash)}
	kept.Change.Hash = "" // security 11
	return kept
}

// security 4, 23: a submission that began has its record, whatever happens to the token.
func begins(s *pairSuite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	c := submit(t, "new")
	foreign, forged, otherScope := c, c, token(ann, "sign-in")
	foreign.Run, forged.Record[31] = "another run", c.Record[31]^1
	otherScope.Scope = "sign-in"
	s.must(s.issue(otherScope, plenty))
	s.unknown(foreign, forged, submit(otherScope, "new"))
	s.begun(t.Run)
	for range 2 { // the last attempt may be the one that the application takes
		c.At = c.At.Add(time.Hour)
		s.begun(t.Run, s.begin(t, c))
	}
	s.must(s.RevokeToken(s.Context(), t.Key, noon))
	s.begun(t.Run, s.begin(t, c))
	s.begun("another run")
	s.unknown(foreign, submit(t, "newer"))
}

// unknown checks that submissions do not begin.
func (s *pairSuite) unknown(changes ...account.Change) {
	s.Helper()
	for _, c := range changes {
		_, _, err := s.ledger.Begin(s.Context(), c)
		s.fails("begin", err, account.ErrTokenUnknown)
	}
}

// security 10, 43: what was applied is noted once, and the account's other links end.
func finishes(s *pairSuite) {
	ann := s.signUp("ann")
	used, other := s.mail(ann, "1"), s.mail(ann, "2")
	c := submit(used, "new")
	s.begin(used, c)
	for range 2 {
		s.must(s.ledger.Finish(s.Context(), c, ann))
		got, applied, err := s.ledger.Begin(s.Context(), c)
		s.must(err)
		s.same("applied", true, applied)
		s.same("the record", account.TokenRecord{AccountID: ann.ID}, got)
	}
	s.begun(c.Run)
	s.noted(ann, c)
	foreign := c
	foreign.Run = "another run"
	s.unknown(submit(other, "new"), foreign)
	s.fails("another run's", s.ledger.Finish(s.Context(), foreign, ann), account.ErrTokenUnknown)
}

// noted checks what is kept of a change that was applied.
func (s *pairSuite) noted(a account.Account, c account.Change) {
	s.Helper()
	s.same("changes in the audit log", 1, s.count(a.ID, c.Event()))
	s.audited(a.ID, c.Entry(a.ID, c.Event(), ""))
	n, err := s.Notice(s.Context(), c.Run, c.Submission)
	s.must(err)
	s.same("the notice", account.Notice{Submission: c.Submission, Run: c.Run, AccountID: a.ID, Changed: c.At, Debt: account.NewDebt(a, c)}, n)
}

// A change that the host made is noted, though its run has ended and its beginning was swept.
func finishesUnbegun(s *pairSuite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	c := submit(t, "new")
	s.end(t.Run, account.ErrNotFound)
	s.must(s.ledger.Finish(s.Context(), c, ann))
	s.noted(ann, c)
}

// security 4: after the end of a run its submissions do not begin. They stay, since a request may
// be on its way to the host.
func endsBegun(s *pairSuite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	anns, bobs := s.mail(ann, "1"), s.mail(bob, "1")
	c, hers := submit(anns, "new"), submit(bobs, "new")
	ended, kept := s.begin(anns, c), s.begin(bobs, hers)
	ended.Ended = true
	for range 2 {
		_, err := s.ledger.End(s.Context(), c.Run, noon)
		s.fails("the end", err, account.ErrNotFound)
		s.begun(c.Run, ended)
	}
	s.unknown(c)
	s.begun(hers.Run, kept)
	all, err := s.ledger.Begun(s.Context(), "")
	s.must(err)
	s.same("submissions of all runs", 2, len(all))
}

func sweepsBegun(s *pairSuite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	old, fresh := s.mail(ann, "1"), later(bob, "1")
	s.must(s.issue(fresh, plenty))
	s.begin(old, submit(old, "new"))
	kept := s.begin(fresh, submit(fresh, "new"))
	s.sweep(3) // the submission, its token and its mail
	s.begun(old.Run)
	s.begun(fresh.Run, kept)
}

func forgetsBegun(s *pairSuite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	s.begin(t, submit(t, "new"))
	s.must(s.Delete(s.Context(), ann.ID))
	_, err := s.Forget(s.Context(), ann.ID, account.Entry{At: noon, Operator: "a.smith"})
	s.must(err)
	s.begun(t.Run)
	s.unknown(submit(t, "new"))
}

var pairChecks = []pairCheck{
	{"pair/lost, then repeated", func(s *pairSuite) { s.lose(s.toReset, repeatsLost) }},
	{"pair/lost, then ended", func(s *pairSuite) { s.lose(s.toReset, endsLost) }},
	{"pair/lost, then too late", comesTooLate},
	{"pair/applied after the end", appliesAfterTheEnd},
	{"pair/changed in between", changesInBetween},
	{"pair/moved in between", movesInBetween},
	{"pair/veto", vetoes},
	{"pair/use, then repeated", repeatsUses},
	{"pair/use refused", refusesUses},
	{"pair/block, lost", losesBlock},
	{"pair/block, changed in between", blocksWhatChanges},
	{"pair/first password, lost, then repeated", func(s *pairSuite) { s.lose(s.toInvite, repeatsLost) }},
	{"pair/first password, lost, then ended", func(s *pairSuite) { s.lose(s.toInvite, endsLost) }},
	{"pair/first password, moved in between", movesBeforeFirst},
}

var errLost = errors.New("lost")

// lossy loses one call of a change: before it takes effect, or its answer.
type lossy struct {
	account.Host
	account.HostLedger
	at     string // the call that is lost
	answer bool   // that it takes effect, and its answer is lost
}

func (l *lossy) call(name string, do func() error) error {
	if l.at != name {
		return do()
	}
	if l.answer {
		return errors.Join(errLost, do())
	}
	return errLost
}

func (l *lossy) Account(ctx context.Context, id string) (a account.Account, err error) {
	err = l.call("account", func() (err error) { a, err = l.Host.Account(ctx, id); return err })
	return a, err
}

func (l *lossy) Change(ctx context.Context, c account.HostChange) error {
	return l.call("change", func() error { return l.Host.Change(ctx, c) })
}

func (l *lossy) Begin(ctx context.Context, c account.Change) (t account.TokenRecord, applied bool, err error) {
	err = l.call("begin", func() (err error) { t, applied, err = l.HostLedger.Begin(ctx, c); return err })
	return t, applied, err
}

func (l *lossy) Finish(ctx context.Context, c account.Change, a account.Account) error {
	return l.call("finish", func() error { return l.HostLedger.Finish(ctx, c, a) })
}

// toReset makes an account and the change of a reset.
func (s *suite) toReset(id string) (account.Account, account.Change) {
	s.Helper()
	a := s.signUp(id)
	return a, submit(s.mail(a, "1"), "new "+id)
}

// toInvite makes an account and the change of an invitation.
func (s *suite) toInvite(id string) (account.Account, account.Change) {
	s.Helper()
	a := s.invited(id, "")
	return a, accept(s.invite(a, "1"), "new "+id)
}

// lose makes a change with each call lost, and then does something as a new process would.
func (s *pairSuite) lose(set func(id string) (account.Account, account.Change), then func(s *pairSuite, a account.Account, c account.Change)) {
	for _, call := range []string{"begin", "account", "change", "finish"} {
		for _, answer := range []bool{false, true} {
			a, c := set(fmt.Sprintf("%s-%v", call, answer))
			mine := s.signIn(a.ID, a.Credential)
			l := &lossy{s.host, s.ledger, call, answer}
			_, err := account.Beside(l, l).ChangePassword(s.Context(), c)
			if !errors.Is(err, errLost) || errors.Is(err, account.ErrRefused) {
				s.Errorf("%s: error %v, want %v", a.ID, err, errLost)
			}
			then(s, a, c)
			now, err := s.Account(s.Context(), a.ID)
			s.must(err)
			s.signedIn(a.ID+": a session from before", mine, now.Credential == a.Credential)
			s.verified(a.ID, c.First() && now.HasPassword())
		}
	}
}

// security 23: the repetition of a lost change makes it, once.
func repeatsLost(s *pairSuite, a account.Account, c account.Change) {
	for range 2 {
		s.change(c, a.ID)
	}
	s.noted(a, c)
	a.Credential = c.Hash
	s.is(a)
}

// A run that ended after a lost change knows whether its password was set, and owes the notice.
func endsLost(s *pairSuite, a account.Account, c account.Change) {
	now, err := s.Account(s.Context(), a.ID)
	s.must(err)
	if now.Credential == c.Hash {
		n := s.end(c.Run, nil)
		s.same("the run's submission", c.Submission, n.Submission)
		s.noted(a, c)
		return
	}
	s.end(c.Run, account.ErrNotFound)
	s.refuse("a submission after the end", c, account.ErrTokenUnknown)
	s.is(a)
}

// security 23: a repetition that comes a day later completes what was applied, and begins nothing.
func comesTooLate(s *pairSuite) {
	for _, applied := range []bool{false, true} {
		a := s.signUp(fmt.Sprintf("late-%v", applied))
		c := submit(s.mail(a, "1"), "new")
		l := &lossy{s.host, s.ledger, "change", applied}
		_, err := account.Beside(l, l).ChangePassword(s.Context(), c)
		s.fails("the lost change", err, errLost)
		late := c
		late.Record = account.RecordKey{}
		if !applied {
			s.refuse("the late one", late, account.ErrTokenUnknown)
			s.is(a)
			continue
		}
		s.change(late, a.ID)
		a.Credential = c.Hash
		s.is(a)
	}
}

// security 18: a change that a host makes after the end of its run is noted, and its owner
// notified, without anybody who repeats it.
func appliesAfterTheEnd(s *pairSuite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	c := submit(t, "new")
	l := &lossy{s.host, s.ledger, "change", false}
	_, err := account.Beside(l, l).ChangePassword(s.Context(), c)
	s.fails("the lost change", err, errLost)
	s.end(c.Run, account.ErrNotFound)
	s.owed(c.At.Add(time.Second))
	s.must(s.host.Change(s.Context(), account.HostChange{AccountID: ann.ID, Old: t.Credential, New: c.Hash, Submission: c.Submission}))
	s.owed(c.At) // it is not old enough
	s.owed(c.At.Add(time.Second), c.Submission)
	s.noted(ann, c)
}

// owed checks the submissions whose notice is owed.
func (s *pairSuite) owed(before time.Time, want ...string) {
	s.Helper()
	owed, err := s.Owed(s.Context(), before, plenty)
	s.must(err)
	var got []string
	for _, n := range owed {
		got = append(got, n.Submission)
	}
	s.same("owed", want, got)
}

// The notice of a lost change goes to the address that the account had, too.
func movesInBetween(s *pairSuite) {
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	l := &lossy{s.host, s.ledger, "change", true}
	_, err := account.Beside(l, l).ChangePassword(s.Context(), c)
	s.fails("the lost change", err, errLost)
	moved := ann
	moved.Credential, moved.Address, moved.Notify = c.Hash, "thief@example.com", nil
	s.must(s.host.Put(s.Context(), moved))
	s.change(c, ann.ID)
	n, err := s.Notice(s.Context(), c.Run, c.Submission)
	s.must(err)
	s.same("recipients", []account.Recipient{{Address: ann.Address}, {Address: moved.Address}}, n.Left)
}

// security 10: a password that the owner sets after a lost change is not replaced.
func changesInBetween(s *pairSuite) {
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	l := &lossy{s.host, s.ledger, "change", true}
	_, err := account.Beside(l, l).ChangePassword(s.Context(), c)
	s.fails("the lost change", err, errLost)
	ann.Credential = "$argon2id$own"
	s.must(s.host.Put(s.Context(), ann))
	s.refused(refusal{id: ann.ID, want: account.ErrCredentialChanged}, c)
	s.is(ann)
	s.end(c.Run, account.ErrNotFound)
}

// vetoing is a host that allows no change.
type vetoing struct{ account.Host }

func (vetoing) Change(context.Context, account.HostChange) error {
	return account.Veto("the account is under investigation")
}

// security 43: the reason of a host that allows no change is in the audit log.
func vetoes(s *pairSuite) {
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	s.Harness = besides(s.host, vetoing{s.host}, s.ledger)
	s.refused(refusal{id: ann.ID, want: account.ErrRefused}, c)
	log, err := s.Audit(s.Context(), ann.ID)
	s.must(err)
	s.same("the detail", `refused: the application does not allow it: "the account is under investigation"`, log[len(log)-1].Detail)
	s.is(ann)
	s.end(c.Run, account.ErrNotFound)
}
