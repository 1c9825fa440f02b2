package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// Auditor reads the audit log, and needs no more rights than that: USAGE ON SCHEMA rekey and
// SELECT ON rekey.audit; for Owners also SELECT of the users' columns for the ID and the
// address.
type Auditor struct {
	store *Store
	users *Users
}

// OpenAuditor connects to the database and tries nothing there. Errors: [ErrURL],
// [ErrPasswordInURL], [ErrService], [ErrClear], an [*Error], or the end of ctx.
func OpenAuditor(ctx context.Context, cfg Config) (*Auditor, error) {
	pool, _, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Auditor{&Store{pool: pool}, cfg.Users}, nil
}

// Close ends the connections.
func (a *Auditor) Close() error { return a.store.Close() }

// Entries is that of [account.Archive].
func (a *Auditor) Entries(ctx context.Context, f account.Filter) ([]account.Entry, error) {
	return a.store.Entries(ctx, f)
}

// Owners are the IDs of the accounts that have a normalized address. Errors: a [*SettingError],
// an [*Error], or the end of ctx.
func (a *Auditor) Owners(ctx context.Context, address string) ([]string, error) {
	find, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.store.pool.Query(ctx, find, account.Spellings(address))
	if err != nil {
		return nil, fault(err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a account.Account, err error) {
		return a, row.Scan(&a.ID, &a.Address)
	})
	if sqlState(err) == noPermission {
		err = &SettingError{"Table", missingGrant("SELECT on its columns for the ID and the address")}
	}
	ids := []string{}
	for _, owner := range found {
		if account.SameAddress(owner.Address, address) {
			ids = append(ids, owner.ID)
		}
	}
	slices.Sort(ids)
	return ids, safely(err)
}

// find is the look-up by the spellings $1 of an address, of the two columns that it needs.
func (a *Auditor) find(ctx context.Context) (string, error) {
	users, err := a.users.orFound(ctx, a.store.pool)
	if err != nil {
		return "", err
	}
	t, err := describe(ctx, a.store.pool, "Table", users.Table)
	if err != nil {
		return "", err
	}
	id, idErr := t.column("ID", users.ID, column.isAny, "")
	email, emailErr := t.column("Email", users.Email, column.isText, "text")
	if err := cmp.Or(idErr, emailErr); err != nil {
		return "", err
	}
	folds, err := email.foldsASCII(ctx, a.store.pool)
	email.ownFolding = !folds
	return fmt.Sprintf(`SELECT %s::text, coalesce(%s::text, '') FROM %s WHERE %s`, id.name, email.name, t.name, email.among()), err
}
