package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

var _ account.Lister = (*Store)(nil)

// Accounts implements [account.Lister]. The order is that of the column's type and collation, so
// that the index of a primary key serves.
func (s *Store) Accounts(ctx context.Context, after string, limit int) ([]account.Account, error) {
	statement, args := s.users.first, []any{limit}
	if after != "" {
		statement, args = s.users.next, []any{limit, after}
	}
	rows, err := s.pool.Query(ctx, statement, args...)
	if err != nil {
		return nil, fault(err)
	}
	page, err := pgx.CollectRows(rows, scan)
	return page, fault(err)
}

// pages are the statements of the first $1 accounts, and of the $1 accounts after the ID $2. The
// column has the name of its table in front: the plain name would be that of the ID as a text.
func pages(from string, id column) (first, next string) {
	order := fmt.Sprintf(` ORDER BY %s LIMIT $1`, id.compared())
	return from + `true` + order, from + id.compare(">", "$2") + order
}
