package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/idna"

	"github.com/rekeyhq/rekey/account"
)

// Find implements [account.Store]. It looks an address up as lower(column), or in a citext
// column as it is, with its domain in A-labels and in letters; an index on that serves it.
// What the database takes for the same and is not is left out (Django CVE-2019-19844). A
// domain in capitals beyond ASCII is found where the locale of the database knows them.
func (s *Store) Find(ctx context.Context, address string) ([]account.Account, error) {
	rows, err := s.pool.Query(ctx, s.users.find, spellings(address))
	if err != nil {
		return nil, fault(err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fault(err)
	}
	return slices.DeleteFunc(found, func(a account.Account) bool { return !account.SameAddress(a.Address, address) }), nil
}

// spellings are the ways in which a normalized address may be stored, capitals aside.
func spellings(address string) []string {
	local, domain, _ := strings.Cut(address, "@")
	if letters, err := idna.ToUnicode(domain); err == nil && letters != domain {
		return []string{address, local + "@" + letters}
	}
	return []string{address}
}

// Account implements [account.Store].
func (s *Store) Account(ctx context.Context, id string) (account.Account, error) {
	a, err := one(s.pool.Query(ctx, s.users.read, id))
	switch sqlState(err) {
	case invalidText, outOfRange: // no number, or no UUID
		err = account.ErrNotFound
	}
	return a, fault(err)
}

// HasAccounts reports whether this user of the database sees any account. None is what a
// wrong table looks like, or a view that shows this user nobody.
func (s *Store) HasAccounts(ctx context.Context) (some bool, err error) {
	err = s.pool.QueryRow(ctx, s.users.some).Scan(&some)
	return some, fault(err)
}

// one reads the one account that a query is about. Errors: account.ErrNotFound.
func one(rows pgx.Rows, err error) (account.Account, error) {
	if err != nil {
		return account.Account{}, err
	}
	found, err := pgx.CollectRows(rows, scan)
	switch {
	case err != nil:
		return account.Account{}, err
	case len(found) == 0:
		return account.Account{}, account.ErrNotFound
	case len(found) > 1:
		return account.Account{}, &Error{text: "several rows have the same ID: the ID column must be unique"}
	}
	return found[0], nil
}

func scan(row pgx.CollectableRow) (a account.Account, err error) {
	err = row.Scan(&a.ID, &a.Address, &a.Credential, &a.Disabled, &a.Resettable, &a.Notify)
	return a, err
}
