package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// never is the refusal that an error of a change stands for: one that no repetition mends,
// because the tables take no such row. Nil for every other error.
func never(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || !e.final && !refuses(e.Code) {
		return nil
	}
	return fmt.Errorf("%w: %w", account.ErrNeverTaken, e)
}

// refuses reports that a SQLSTATE is about the row, or that a trigger raised it. The classes
// are 22 (data exception), 23 (integrity constraint violation) and 44 (WITH CHECK OPTION
// violation). Examples are a foreign key on a session, a CHECK of the hash, a column that is
// too short. The code 23505 is none: it may be of another transaction.
func refuses(code string) bool {
	class := code[:min(2, len(code))]
	return code == raised || code != uniqueViolation && (class == "22" || class == "23" || class == "44")
}

// refuse notes a refusal in a transaction of its own: that of the change is undone.
func (s *Store) refuse(ctx context.Context, owner string, c account.Change, refusal error) error {
	err := s.update(ctx, func(tx pgx.Tx) error {
		return audit(ctx, tx, c.Entry(owner, account.EventChangeRefused, refusal.Error()))
	})
	if err != nil {
		return err
	}
	return refusal
}

// blocking finds a foreign key that would refuse the end of a session. It is on the table of
// sessions $1, or on a table whose rows are deleted with its rows. A trigger before the DELETE
// may remove such rows first, and a table may refer to itself.
const blocking = `WITH RECURSIVE ended(id) AS (
		SELECT $1::oid
		UNION
		SELECT k.conrelid FROM pg_catalog.pg_constraint k JOIN ended ON k.confrelid = ended.id WHERE k.contype = 'f' AND k.confdeltype = 'c'
	)
	SELECT k.conname, k.conrelid::regclass::text FROM pg_catalog.pg_constraint k JOIN ended ON k.confrelid = ended.id
	WHERE k.contype = 'f' AND (k.confdeltype = 'r' OR k.confdeltype = 'a' AND k.conrelid <> k.confrelid)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = k.confrelid AND NOT t.tgisinternal AND t.tgtype & 10 = 10)
	ORDER BY 1 LIMIT 1`

// endable refuses sessions that other tables keep from being deleted.
func endable(ctx context.Context, db querier, sessions table) error {
	var constraint, by string
	err := db.QueryRow(ctx, blocking, sessions.oid).Scan(&constraint, &by)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fault(err)
	}
	return &SettingError{"Sessions", fmt.Errorf("the foreign key %q of %s would refuse the end of a session that it refers to, and with it the new password: make it ON DELETE CASCADE or SET NULL", constraint, by)}
}
