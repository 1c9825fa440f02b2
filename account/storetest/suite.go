package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rekeyhq/rekey/account"
)

// noon is when mails go out.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// plenty is a mail limit that no check reaches.
const plenty = 1000

// suite is the state of a check.
type suite struct {
	testing.TB
	Harness
}

// signUp puts an account into the store whose address and password are of its ID.
func (s *suite) signUp(id string) account.Account {
	s.Helper()
	a := account.Account{
		ID: id, Address: id + "@example.com", Notify: []string{"office@example.com"},
		Credential: "$argon2id$old-" + id, Resettable: true,
	}
	s.must(s.Put(s.Context(), a))
	return a
}

// token makes the record of a mail to an account.
func token(a account.Account, mail string) account.TokenRecord {
	return account.TokenRecord{
		Key: sha256.Sum256([]byte(a.ID + "|" + mail)), Scope: account.ScopePasswordReset,
		AccountID: a.ID, Address: a.Address, Credential: account.CredentialDigest(a.Credential),
		Run: "run of " + a.ID, Mail: mail, Client: "198.51.100.7", Operator: "operator",
		Issued: noon, Expires: noon.Add(30 * time.Minute),
	}
}

func (s *suite) issue(t account.TokenRecord, limit int) error {
	s.Helper()
	_, err := s.IssueToken(s.Context(), t, limit)
	return err
}

// mail issues a token under its own limit-free name.
func (s *suite) mail(a account.Account, mail string) account.TokenRecord {
	s.Helper()
	t := token(a, mail)
	s.must(s.issue(t, plenty))
	return t
}

// submit makes the change that a password entered behind a link leads to.
func submit(t account.TokenRecord, password string) account.Change {
	id := sha256.Sum256(append(t.Key[:], password...))
	return account.Change{
		Record: t.Key, Submission: hex.EncodeToString(id[:16]), Run: t.Run, Client: "198.51.100.9",
		Hash: "$argon2id$" + password, At: t.Issued.Add(5 * time.Minute),
	}
}

// change applies a change that must succeed.
func (s *suite) change(c account.Change, owner string) {
	s.Helper()
	got, err := s.ChangePassword(s.Context(), c)
	s.must(err)
	s.same("the changed account", owner, got)
}

// refuse applies a change that must fail.
func (s *suite) refuse(what string, c account.Change, want error) {
	s.Helper()
	got, err := s.ChangePassword(s.Context(), c)
	s.fails(what, err, want)
	s.same(what+": account", "", got)
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%v", err)
	}
}

func (s *suite) fails(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("%s: error %v, want %v", what, err, want)
	}
	if err != nil {
		s.tellsNothing(what, err.Error())
	}
}

// tellsNothing holds a text against everything that may not be in it (security 11).
func (s *suite) tellsNothing(what, text string) {
	s.Helper()
	if strings.Contains(text, "@") || strings.Contains(text, "$argon2id$") {
		s.Errorf("%s: %q holds an address or a hash", what, text)
	}
}

func (s *suite) same(what string, want, got any) {
	s.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// is says that an account is as it should be, in all its fields.
func (s *suite) is(want account.Account) {
	s.Helper()
	got, err := s.Account(s.Context(), want.ID)
	s.must(err)
	s.same("account "+want.ID, want, got)
}

// audited checks the last entries of an account's audit log.
func (s *suite) audited(id string, want ...account.Entry) {
	s.Helper()
	got, err := s.Audit(s.Context(), id)
	s.must(err)
	s.same("the audit log's last entries", want, got[max(0, len(got)-len(want)):])
	for _, e := range got {
		s.tellsNothing("audit entry", e.Detail)
	}
}

// count says how many entries of an event the audit log of an account has.
func (s *suite) count(id string, event account.Event) int {
	s.Helper()
	all, err := s.Audit(s.Context(), id)
	s.must(err)
	n := 0
	for _, e := range all {
		if e.Event == event {
			n++
		}
	}
	return n
}

func (s *suite) signIn(id, credential string) (sid string) {
	s.Helper()
	sid, err := s.NewSession(s.Context(), id, credential)
	s.must(err)
	return sid
}

// signedIn says whether a session counts.
func (s *suite) signedIn(what, sid string, want bool) {
	s.Helper()
	_, err := s.Session(s.Context(), sid)
	if err != nil {
		s.fails(what, err, account.ErrNotFound)
	}
	s.same(what+": signed in", want, err == nil)
}
