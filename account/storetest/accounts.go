package storetest

import (
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/account"
)

func readsAccounts(s *suite) {
	_, err := s.Account(s.Context(), "nobody")
	s.fails("an unknown account", err, account.ErrNotFound)

	ann, bob := s.signUp("ann"), s.signUp("bob")
	s.is(ann)
	bob.Address, bob.Notify, bob.Credential = "robert@example.com", nil, ""
	bob.Disabled, bob.Resettable = true, false
	s.must(s.Put(s.Context(), bob))
	s.is(bob)
	s.is(ann)

	s.must(s.Delete(s.Context(), "ann"))
	_, err = s.Account(s.Context(), "ann")
	s.fails("a deleted account", err, account.ErrNotFound)
}

// security 10: all matches are returned, closed ones too, so that the caller can withhold.
func findsByAddress(s *suite) {
	ann, twin := s.signUp("ann"), s.signUp("twin")
	s.signUp("joann")
	twin.Address, twin.Disabled = ann.Address, true
	s.must(s.Put(s.Context(), twin))
	s.found("ann@example.com", ann, twin)
	for _, other := range []string{"", "ann", "twin@example.com", "nn@example.com", "ann@example.co", "%@example.com", "a_n@example.com"} {
		s.found(other)
	}
}

// security 20: accounts are found by the normalized address however the host
// application spelled it, and returned with the address as it is stored.
func findsWhereItMoved(s *suite) {
	ann := s.signUp("ann")
	ann.Address = "Ann.Lee@MÜNCHEN.example"
	s.must(s.Put(s.Context(), ann))
	s.found("ann.lee@xn--mnchen-3ya.example", ann)
	s.found("ann@example.com")

	s.must(s.Delete(s.Context(), ann.ID))
	s.found("ann.lee@xn--mnchen-3ya.example")
}

// found checks the accounts of an address.
func (s *suite) found(address string, want ...account.Account) {
	s.Helper()
	got, err := s.Find(s.Context(), address)
	s.must(err)
	slices.SortFunc(got, func(a, b account.Account) int { return strings.Compare(a.ID, b.ID) })
	s.same("found by "+address, want, got)
}

// A language is read as account.ParseLocale does, and a bad one hides no account.
func readsLocales(s *suite) {
	ann := s.signUp("ann")
	for _, stored := range []string{"de", "pt-BR", "de_AT", "zh-Hans-CN", "", "<b>de</b>", strings.Repeat("a", 36)} {
		ann.Locale = stored
		s.must(s.Put(s.Context(), ann))
		ann.Locale = account.ParseLocale(stored)
		if s.hasNoLocale() {
			ann.Locale = ""
		}
		s.is(ann)
		s.found(ann.Address, ann)
	}
}

func (s *suite) hasNoLocale() bool {
	var app any = s.Harness
	if p, ok := app.(*pair); ok {
		app = p.App
	}
	_, none := app.(NoLocale)
	return none
}
