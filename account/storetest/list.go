package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rekeyhq/rekey/account"
)

// Accounts implements account.Lister.
func (p *pair) Accounts(ctx context.Context, after string, limit int) ([]account.Account, error) {
	return p.Store.(account.Lister).Accounts(ctx, after, limit)
}

// lister returns the store's. A store that lists no accounts has no duties here.
func (s *suite) lister() account.Lister {
	s.Helper()
	l, ok := s.Harness.(account.Lister)
	if !ok {
		s.Skip("the store is no account.Lister")
	}
	if _, err := l.Accounts(s.Context(), "", 1); errors.Is(err, account.ErrNotListed) {
		s.Skip("the host is no account.Lister")
	}
	return l
}

// crowd is many accounts, whose IDs are in no order that two stores must share.
func (s *suite) crowd() map[string]account.Account {
	s.Helper()
	all := map[string]account.Account{}
	for i, id := range []string{
		"10", "9", "1", "b", "A", "c", "Z", "z1", "a-b", "a_c", "a b", "ab", "a.d", "é1", "漢", "0", "-1", "%", "''", "y", "zz", "x x", "m", "n",
	} {
		a := account.Account{
			ID: id, Address: fmt.Sprintf("%d@example.com", i), Notify: []string{"office@example.com"},
			Credential: "$argon2id$old-" + id, Disabled: i%5 == 0, Resettable: i%7 != 0,
		}
		s.must(s.Put(s.Context(), a))
		all[id] = a
	}
	return all
}

// walk lists accounts page by page, and does something after each page.
func (s *suite) walk(limit int, then func(page []account.Account)) (ids []string) {
	s.Helper()
	l, after := s.lister(), ""
	for range plenty {
		page, err := l.Accounts(s.Context(), after, limit)
		s.must(err)
		if len(page) > limit {
			s.Fatalf("a page of %d accounts, want %d at most", len(page), limit)
		}
		if len(page) == 0 {
			return ids
		}
		for _, a := range page {
			ids = append(ids, a.ID)
		}
		after = page[len(page)-1].ID
		then(page)
	}
	s.Fatalf("pages of %d accounts have no end", limit)
	return nil
}

// Each account is on one page, with all its fields, in the same order for pages of any length.
func listsAccounts(s *suite) {
	nothing := func([]account.Account) {}
	s.same("accounts of an empty store", 0, len(s.walk(3, nothing)))
	all := s.crowd()
	var order []string
	for _, limit := range []int{1, 4, len(all), plenty} {
		got := s.walk(limit, func(page []account.Account) {
			for _, a := range page {
				s.same("the account "+a.ID, all[a.ID], a)
			}
		})
		if order == nil {
			order = got
		}
		s.same(fmt.Sprintf("the order in pages of %d", limit), order, got)
	}
	s.same("accounts", len(all), len(order))
	slices.Sort(order)
	s.same("different accounts", len(all), len(slices.Compact(order)))
}

// An account that is there all the time is on one page, whatever happens to the others. The one that
// a page ends with may be gone when the next is asked for, or may be another's by its address.
func listsWhileAccountsChange(s *suite) {
	all := s.crowd()
	stay, n := map[string]int{}, 0
	for id := range all {
		stay[id] = 0
	}
	for _, id := range s.walk(3, func(page []account.Account) {
		n++
		first, last := page[0], page[len(page)-1]
		first.Address, first.Credential = fmt.Sprintf("moved%d@example.com", n), "$argon2id$own"
		s.must(s.Put(s.Context(), first))
		delete(stay, last.ID)
		s.must(s.Delete(s.Context(), last.ID))
		s.must(s.Put(s.Context(), account.Account{ID: fmt.Sprintf("new%d", n), Address: "new@example.com", Resettable: true}))
	}) {
		if _, ok := stay[id]; ok {
			stay[id]++
		}
	}
	for id, times := range stay {
		if times != 1 {
			s.Errorf("the account %q is listed %d times", id, times)
		}
	}
}
