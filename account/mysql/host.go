// Package mysql lets an application with MariaDB or MySQL own the accounts, through two views of its
// database. docs/hosts/mysql.md has their columns and the rights on them.
package mysql

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rekeyhq/rekey/account"
)

// The views.
const (
	usersView    = "rekey_users"    // id, address, credential; and disabled, resettable, notify, locale, address_verified
	sessionsView = "rekey_sessions" // user_id
)

// Host is an [account.Host] in a database.
type Host struct {
	db     *sql.DB
	fields string              // of an account
	key    func(id string) any // the ID in the type of its column; nil for a text that is none
	verify bool                // that address_verified is there and may be set
}

var _ account.Host = (*Host)(nil)

// Close closes the connections.
func (h *Host) Close() error { return h.db.Close() }

// Find implements [account.Host]. The collation of the column decides which spellings are found;
// those that it takes for the same and rekey does not are left out.
func (h *Host) Find(ctx context.Context, address string) ([]account.Account, error) {
	spelled := account.Spellings(address)
	args := make([]any, len(spelled))
	for i, s := range spelled {
		args[i] = s
	}
	among := "address IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ") + ")"
	found, err := h.read(ctx, among, args...)
	if err != nil {
		return nil, fault(ctx, err)
	}
	return slices.DeleteFunc(found, func(a account.Account) bool { return !account.SameAddress(a.Address, address) }), nil
}

// Account implements [account.Host].
func (h *Host) Account(ctx context.Context, id string) (account.Account, error) {
	key := h.key(id)
	if key == nil {
		return account.Account{}, account.ErrNotFound
	}
	found, err := h.read(ctx, "id = ?", key)
	switch {
	case err != nil:
		return account.Account{}, fault(ctx, err)
	case len(found) == 0 || found[0].ID != id: // "1 " equals "1" in most collations
		return account.Account{}, account.ErrNotFound
	case len(found) > 1:
		return account.Account{}, errAmbiguous
	}
	return found[0], nil
}

var (
	errAmbiguous = &Error{text: "the column id of " + usersView + " is not unique"}
	errNotStored = &Error{text: "the database stored another hash than the new one: look for a short column, or for a trigger"}
)

func (h *Host) read(ctx context.Context, where string, args ...any) (found []account.Account, err error) {
	rows, err := h.db.QueryContext(ctx, "SELECT "+h.fields+" FROM "+usersView+" WHERE "+where, args...) //nolint:gosec // of constants
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var a account.Account
		var notify string
		if err := rows.Scan(&a.ID, &a.Address, &a.Credential, &a.Disabled, &a.Resettable, &notify, &a.Locale); err != nil {
			return nil, err
		}
		a.Notify = strings.FieldsFunc(notify, func(r rune) bool { return r == ',' || r == ' ' })
		found = append(found, a)
	}
	return found, rows.Err()
}

// Change implements [account.Host], in one transaction.
func (h *Host) Change(ctx context.Context, c account.HostChange) error {
	key := h.key(c.AccountID)
	if key == nil {
		return account.ErrAccountGone
	}
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return fault(ctx, err)
	}
	if err := h.set(ctx, tx, key, c); err != nil {
		_ = tx.Rollback()
		return never(fault(ctx, err))
	}
	return fault(ctx, tx.Commit())
}

// set replaces the credential and ends the sessions. It reads the credential again: a server that
// is not strict cuts what is too long.
func (h *Host) set(ctx context.Context, tx *sql.Tx, key any, c account.HostChange) error {
	statement := "UPDATE " + usersView + " SET credential = ?"
	if c.Verified && h.verify {
		statement += ", " + verified
	}
	done, err := tx.ExecContext(ctx, statement+" WHERE id = ? AND SHA2(COALESCE(credential, ''), 256) = ?",
		c.New, key, hex.EncodeToString(c.Old[:]))
	if err != nil {
		return err
	}
	changed, err := done.RowsAffected()
	if err != nil {
		return err
	}
	var now string
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(credential, '') FROM "+usersView+" WHERE id = ?", key).Scan(&now)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return account.ErrAccountGone
	case err != nil:
		return err
	case changed > 1:
		return errAmbiguous
	case now != c.New && changed == 1:
		return errNotStored
	case now != c.New:
		return account.ErrCredentialChanged
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM "+sessionsView+" WHERE user_id = ?", key)
	return err
}

// verified marks the address of an account.
const verified = "address_verified = TRUE"

// keys returns how an ID is compared with its column. A number that is compared with a text is
// rounded to a float64, and an index does not serve it.
func keys(databaseType string) func(id string) any {
	if !strings.Contains(databaseType, "INT") {
		return func(id string) any { return id }
	}
	return func(id string) any {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			return n
		}
		if n, err := strconv.ParseUint(id, 10, 64); err == nil {
			return n
		}
		return nil
	}
}

// optional is a column of the view, or the value of an absent one.
func optional(columns []string, name, absent, form string) string {
	if !slices.Contains(columns, name) {
		return absent
	}
	return fmt.Sprintf(form, name)
}
