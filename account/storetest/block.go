package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// blockOf blocks an account for a run. Its hash depends on nothing else of the stored one.
func blockOf(a account.Account, run string) account.Block {
	return account.Block{
		AccountID: a.ID, Run: run, Order: "order of " + run, Operator: "a.smith", Reason: "hashes leaked", At: noon.Add(time.Minute),
		Hash: func(string) (string, error) { return "$argon2id$blocked by " + run, nil },
	}
}

// blocked checks that an account has the hash of a block, and returns it.
func (s *suite) blocked(a account.Account, b account.Block) account.Account {
	s.Helper()
	a.Credential, _ = b.Hash("")
	s.is(a)
	return a
}

// lines checks how many times a block is in the audit log, and that each is as the first.
func (s *suite) lines(b account.Block, least, most int) {
	s.Helper()
	want := account.Entry{
		At: b.At, Event: account.EventPasswordBlocked, Run: b.Run, AccountID: b.AccountID, Operator: b.Operator, Detail: b.Reason,
	}
	s.audited(b.AccountID, want)
	if n := s.count(b.AccountID, account.EventPasswordBlocked); n < least || n > most {
		s.Errorf("%d lines of a block in the audit log, want %d to %d", n, least, most)
	}
}

// security 10, 18, 32: a block makes the password, the links and the sessions of an account count for
// nothing, and touches nothing else.
func blocks(s *suite) {
	ann, anna := s.signUp("ann"), s.signUp("anna")
	first, second, annas := s.mail(ann, "1"), s.mail(ann, "2"), s.mail(anna, "1")
	mine, hers := s.signIn(ann.ID, ann.Credential), s.signIn(anna.ID, anna.Credential)
	b, given := blockOf(ann, "forced"), ""
	hash := b.Hash
	b.Hash = func(stored string) (string, error) { given = stored; return hash(stored) }
	s.must(s.Block(s.Context(), b))
	s.same("the stored hash", ann.Credential, given)
	s.blocked(ann, b)
	s.lines(b, 1, 1)
	s.signedIn("a session from before", mine, false)
	if sid, err := s.NewSession(s.Context(), ann.ID, ann.Credential); err == nil {
		s.signedIn("a session under the old password", sid, false)
	}
	s.noNotice("a block", b.Run, "")
	n, err := s.Notice(s.Context(), b.Order, b.Order)
	s.must(err)
	s.same("the executed order", []any{ann.ID, true}, []any{n.AccountID, n.Settled()})
	s.noNotice("another order", "order of anna", "order of anna")
	s.owesNone("a block", b.At)

	s.must(s.Put(s.Context(), ann)) // so that the tokens would fit
	s.signedIn("a session from before, under its own password again", mine, false)
	s.refuse("a link of before", submit(first, "new"), account.ErrTokenUnknown)
	s.refuse("another link of before", submit(second, "new"), account.ErrTokenUnknown)

	s.is(anna)
	s.signedIn("another account's session", hers, true)
	s.change(submit(annas, "hers"), anna.ID)
}

// owesNone checks that no notice of before a time is owed.
func (s *suite) owesNone(what string, at time.Time) {
	s.Helper()
	owed, err := s.Owed(s.Context(), at.Add(week), plenty)
	s.must(err)
	s.same("notices that are owed after "+what, 0, len(owed))
}

// security 23: a block whose answer was lost is repeated. Links that were mailed since stay.
func blocksAgain(s *suite) {
	ann := s.signUp("ann")
	b := blockOf(ann, "forced")
	s.must(s.Block(s.Context(), b))
	ann = s.blocked(ann, b)
	link, mine := s.mail(ann, "1"), s.signIn(ann.ID, ann.Credential)
	s.must(s.Block(s.Context(), b))
	s.blocked(ann, b)
	s.signedIn("a session since", mine, false)
	if n := s.count(ann.ID, account.EventPasswordBlocked); n < 1 || n > 2 {
		s.Errorf("%d lines of a block in the audit log, want 1 or 2", n)
	}
	c := submit(link, "new")
	s.change(c, ann.ID)
	ann.Credential = c.Hash
	s.is(ann)
	s.signedIn("a session under the new password", s.signIn(ann.ID, c.Hash), true)
}

// Another run blocks an account once more, and ends the links that the first one mailed.
func blocksForAnotherRun(s *suite) {
	ann := s.signUp("ann")
	first, second := blockOf(ann, "forced"), blockOf(ann, "forced again")
	s.must(s.Block(s.Context(), first))
	ann = s.blocked(ann, first)
	link := s.mail(ann, "1")
	s.must(s.Block(s.Context(), second))
	now := s.blocked(ann, second)
	s.lines(second, 2, 2)
	s.refuse("a link of the first run", submit(link, "new"), account.ErrTokenUnknown)
	s.change(submit(s.mail(now, "2"), "new"), ann.ID)
}

// A closed account may be opened again, so it is blocked too.
func blocksClosedAccounts(s *suite) {
	ann := s.signUp("ann")
	ann.Disabled = true
	s.must(s.Put(s.Context(), ann))
	b := blockOf(ann, "forced")
	s.must(s.Block(s.Context(), b))
	s.blocked(ann, b)
	s.lines(b, 1, 1)
}

var errNoHash = errors.New("no such format")

// security 30: a block that is refused changes nothing. An account without a password gets none.
func refusesBlocks(s *suite) {
	never := func(string) (string, error) { return "$argon2id$asked for", nil }
	s.fails("an account that is gone", s.Block(s.Context(), blockOf(account.Account{ID: "nobody"}, "forced")), account.ErrAccountGone)
	cases := []struct {
		change func(*account.Account)
		hash   func(string) (string, error)
		want   error
	}{
		{func(a *account.Account) { a.Resettable = false }, never, account.ErrNotResettable},
		{func(*account.Account) {}, func(string) (string, error) { return "$2y$12$another form", nil }, account.ErrHashForm},
		{func(*account.Account) {}, func(string) (string, error) { return "", errNoHash }, errNoHash},
	}
	for _, none := range noPasswords() {
		cases = append(cases, cases[0])
		cases[len(cases)-1].change = func(a *account.Account) { a.Credential = none }
	}
	for i, tc := range cases {
		a := s.signUp(fmt.Sprintf("refused%d", i))
		tc.change(&a)
		s.must(s.Put(s.Context(), a))
		s.refusesBlock(a, tc.hash, tc.want)
	}
}

// refusesBlock checks that a block is refused, and that links and sessions are as before.
func (s *suite) refusesBlock(a account.Account, hash func(string) (string, error), want error) {
	s.Helper()
	link, mine := s.mail(a, "1"), ""
	if a.HasPassword() {
		mine = s.signIn(a.ID, a.Credential)
	}
	b := blockOf(a, "forced")
	b.Hash = hash
	s.fails(a.ID, s.Block(s.Context(), b), want)
	s.is(a)
	s.same(a.ID+": lines", 0, s.count(a.ID, account.EventPasswordBlocked))
	if mine != "" {
		s.signedIn(a.ID, mine, true)
	}
	if mine != "" && a.Resettable {
		s.change(submit(link, "new"), a.ID)
	}
}

// blockers are the racers that block an account. Another one changes its password.
const blockers = 3

// security 10, 32: whatever a block races, the password that it found or came upon counts for nothing.
func racesBlock(s *suite) {
	s.inRounds(func(a account.Account) {
		b, c, sids := blockOf(a, "forced"), submit(s.mail(a, "1"), "new"), [racers]string{}
		errs := race(func(i int) (err error) {
			switch {
			case i < blockers:
				return s.Block(s.Context(), b)
			case i == blockers:
				_, err = s.ChangePassword(s.Context(), c)
				return err
			}
			sids[i], _ = s.NewSession(s.Context(), a.ID, a.Credential) // may be refused
			return nil
		})
		s.must(errors.Join(errs[:blockers]...))
		if err := errs[blockers]; err != nil && !errors.Is(err, account.ErrTokenUnknown) {
			s.fails("a change that comes too late", err, account.ErrRefused)
		}
		s.blocked(a, b)
		if n := s.count(a.ID, account.EventPasswordBlocked); n < 1 || n > blockers+1 {
			s.Errorf("%d lines of a block in the audit log", n)
		}
		for _, sid := range sids[blockers+1:] {
			s.signedIn("a session under the old password", sid, false)
		}
	})
}

// A host ends the sessions of an account whose credential is replaced by itself: a block is repeated.
func replacesByTheSame(s *pairSuite) {
	ann := s.signUp("ann")
	mine := s.signIn(ann.ID, ann.Credential)
	s.must(s.host.Change(s.Context(), account.HostChange{
		AccountID: ann.ID, Old: account.CredentialDigest(ann.Credential), New: ann.Credential, Submission: "block",
	}))
	s.is(ann)
	s.signedIn("a session from before", mine, false)
}

// The ledger notes a block, and deletes the tokens that are of no use afterwards.
func notesBlock(s *pairSuite) {
	ann, anna := s.signUp("ann"), s.signUp("anna")
	old, annas := s.mail(ann, "1"), s.mail(anna, "1")
	b := blockOf(ann, "forced")
	ann.Credential, _ = b.Hash("")
	s.must(s.host.Put(s.Context(), ann))
	fresh := s.mail(ann, "2")
	for n := range 2 {
		s.must(s.ledger.Blocked(s.Context(), b, ann.Credential))
		s.lines(b, 1, n+1)
	}
	s.noNotice("a block", b.Run, "")
	s.unknown(submit(old, "new"))
	s.begin(fresh, submit(fresh, "new"))
	s.begin(annas, submit(annas, "new"))
}

// security 23: a block of which any call was lost is completed by its repetition.
func losesBlock(s *pairSuite) {
	for _, call := range []string{"account", "change", "blocked"} {
		for _, answer := range []bool{false, true} {
			a := s.signUp(fmt.Sprintf("%s-%v", call, answer))
			mine, link, b := s.signIn(a.ID, a.Credential), s.mail(a, "1"), blockOf(a, "forced "+a.ID)
			l := &lossy{s.host, s.ledger, call, answer}
			err := account.Beside(l, l).Block(s.Context(), b)
			if !errors.Is(err, errLost) || errors.Is(err, account.ErrRefused) {
				s.Errorf("%s: error %v, want %v", a.ID, err, errLost)
			}
			s.must(s.Block(s.Context(), b))
			s.blocked(a, b)
			s.lines(b, 1, 2)
			s.signedIn(a.ID+": a session from before", mine, false)
			s.unknown(submit(link, "new"))
		}
	}
}

func (l *lossy) Blocked(ctx context.Context, b account.Block, hash string) error {
	return l.call("blocked", func() error { return l.HostLedger.Blocked(ctx, b, hash) })
}

// meanwhile is a host whose owner sets a password of her own just before each of some changes.
type meanwhile struct {
	HostHarness
	changes int // that are left
	made    int
}

func (m *meanwhile) Change(ctx context.Context, c account.HostChange) error {
	if m.changes > 0 {
		m.changes, m.made = m.changes-1, m.made+1
		a, err := m.Account(ctx, c.AccountID)
		if err != nil {
			return err
		}
		a.Credential = fmt.Sprintf("$argon2id$own %d", m.made)
		if err := m.Put(ctx, a); err != nil {
			return err
		}
	}
	return m.HostHarness.Change(ctx, c)
}

// A change of the password during a block is no refusal: the block begins again, some times.
func blocksWhatChanges(s *pairSuite) {
	ann := s.signUp("ann")
	busy := &meanwhile{HostHarness: s.host, changes: plenty}
	s.Harness = besides(s.host, busy, s.ledger)
	b := blockOf(ann, "forced")
	if err := s.Block(s.Context(), b); err == nil || errors.Is(err, account.ErrRefused) {
		s.Errorf("changes without end: error %v, want a fault", err)
	}
	s.same("lines", 0, s.count(ann.ID, account.EventPasswordBlocked))
	if busy.made > 10 {
		s.Errorf("%d attempts", busy.made)
	}
	busy.changes = 1
	s.must(s.Block(s.Context(), b))
	s.blocked(ann, b)
	s.lines(b, 1, 1)
}
