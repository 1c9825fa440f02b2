package postgres

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// Find implements [account.Store]. It looks an address up as lower(column), or in a citext
// column as it is, with its domain in A-labels and in letters. An index on that serves it.
// Different addresses that the database takes for the same are left out (Django
// CVE-2019-19844). Capitals beyond ASCII in a domain are found where the locale of the database
// knows them. Before the @ they are not folded, and are found as they are stored.
func (s *Store) Find(ctx context.Context, address string) ([]account.Account, error) {
	spelled := account.Spellings(address)
	found, err := s.among(ctx, spelled)
	if sqlState(err) == untranslatable { // the database is not in UTF-8, and has no such spelling
		found, err = s.among(ctx, slices.DeleteFunc(spelled, beyondASCII))
	}
	if err != nil {
		return nil, fault(err)
	}
	return slices.DeleteFunc(found, func(a account.Account) bool { return !account.SameAddress(a.Address, address) }), nil
}

func (s *Store) among(ctx context.Context, spelled []string) ([]account.Account, error) {
	rows, err := s.pool.Query(ctx, s.users.find, spelled)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

func beyondASCII(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// Account implements [account.Store].
func (s *Store) Account(ctx context.Context, id string) (account.Account, error) {
	a, err := one(s.pool.Query(ctx, s.users.read, id))
	if isNoID(err) {
		err = account.ErrNotFound
	}
	return a, fault(err)
}

// isNoID reports that a text was no number, or no UUID.
func isNoID(err error) bool {
	code := sqlState(err)
	return code == invalidText || code == outOfRange
}

// HasAccounts reports whether this user of the database sees any account. A wrong table, or a
// view without rows for this user, shows none.
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
	err = row.Scan(&a.ID, &a.Address, &a.Credential, &a.Disabled, &a.Resettable, &a.Notify, &a.Locale)
	a.Locale = account.ParseLocale(a.Locale)
	return a, err
}
