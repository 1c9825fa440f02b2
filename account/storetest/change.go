package storetest

import (
	"time"

	"github.com/rekeyhq/rekey/account"
)

// security 10, 17, 18: the change kills the account's other links and ends its sessions,
// and touches nothing else.
func changes(s *suite) {
	ann, anna := s.signUp("ann"), s.signUp("anna")
	used, other, annas := s.mail(ann, "1"), s.mail(ann, "2"), s.mail(anna, "1")
	mine, hers := s.signIn(ann.ID, ann.Credential), s.signIn(anna.ID, anna.Credential)
	s.signedIn("before the change", mine, true)

	c := submit(used, "new")
	s.change(c, ann.ID)
	s.audited(ann.ID, account.Entry{
		At: c.At, Event: account.EventPasswordChanged, Run: c.Run, AccountID: ann.ID, Client: c.Client,
	})
	s.refuse("the account's other link", submit(other, "newer"), account.ErrTokenUnknown)
	s.signedIn("a session from before", mine, false)
	s.signedIn("a session from after", s.signIn(ann.ID, c.Hash), true)
	ann.Credential = c.Hash
	s.is(ann)

	s.is(anna)
	s.signedIn("another account's session", hers, true)
	s.change(submit(annas, "hers"), anna.ID)

	ann.Credential = "$argon2id$old-ann"
	s.must(s.Put(s.Context(), ann))
	s.signedIn("a session from before, under its own password again", mine, false)
}

// security 23, 36: a change that is repeated, because its answer was lost or the run
// was reset, is the same change.
func repeats(s *suite) {
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	s.change(c, ann.ID)
	s.change(c, ann.ID)

	ann.Credential = "$argon2id$changed since"
	s.must(s.Put(s.Context(), ann))
	session, link := s.signIn(ann.ID, ann.Credential), s.mail(ann, "2")
	late := c
	late.Record, late.At = account.RecordKey{}, c.At.Add(48*time.Hour)
	s.change(late, ann.ID)

	s.is(ann)
	s.signedIn("a session since", session, true)
	s.same("changes in the audit log", 1, s.count(ann.ID, account.EventPasswordChanged))
	s.change(submit(link, "newest"), ann.ID)
	s.must(s.Delete(s.Context(), ann.ID))
	s.change(late, ann.ID)
}

// security 5, 36: a link is used once; another password is another submission.
func takesOneSubmission(s *suite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	s.change(submit(t, "new"), ann.ID)
	s.refuse("another password", submit(t, "newer"), account.ErrTokenUnknown)
	ann.Credential = submit(t, "new").Hash
	s.is(ann)
	s.same("changes in the audit log", 1, s.count(ann.ID, account.EventPasswordChanged))
	s.same("refusals in the audit log", 0, s.count(ann.ID, account.EventChangeRefused))
}

// security 4, 27: the record decides, for its own run and scope, and an unknown token changes
// nothing.
func knowsItsTokens(s *suite) {
	ann := s.signUp("ann")
	t := token(ann, "sign-in")
	t.Scope = "sign-in"
	s.must(s.issue(t, plenty))
	c := submit(t, "new")
	s.refuse("a token of another scope", c, account.ErrTokenUnknown)
	c.Scope = t.Scope
	s.refuse("a scope that permits no change", c, account.ErrTokenUnknown)
	s.must(s.RevokeToken(s.Context(), t.Key, noon))

	t = s.mail(ann, "1")
	good, forged, empty, foreign := submit(t, "new"), submit(t, "new"), submit(t, "new"), submit(t, "new")
	forged.Record[31] ^= 1
	s.refuse("a forged token", forged, account.ErrTokenUnknown)
	empty.Record = account.RecordKey{}
	s.refuse("no token", empty, account.ErrTokenUnknown)
	foreign.Run = "another run"
	s.refuse("a token of another run", foreign, account.ErrTokenUnknown)
	s.is(ann)
	s.same("refusals in the audit log", 0, s.count(ann.ID, account.EventChangeRefused))

	s.change(good, ann.ID)
	s.refuse("another run's submission", foreign, account.ErrTokenUnknown)
}

// A submission that was accepted in time is applied, however long the store was away.
func leavesExpiryToOthers(s *suite) {
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	c.At = c.At.Add(20 * time.Hour)
	s.change(c, ann.ID)
}
