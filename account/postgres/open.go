package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNotDurable means that a crash of the server could lose committed changes.
var ErrNotDurable = errors.New("synchronous_commit is off for this user, so a crash of the server could undo a change that was reported as done: ALTER ROLE ... SET synchronous_commit = on")

// Open connects to the database. It checks the version of the schema, the tables and columns of
// Users, and the permissions.
//
// Errors: [ErrURL], [ErrPasswordInURL], [ErrService], [ErrClear], [ErrSchemaOld],
// [ErrSchemaNew], [ErrNoSessions], [ErrNotDurable], an [*Error], a [*SettingError], which may
// wrap one, or the end of ctx. A missing permission is an [*Error] of the Code "42501" that
// names it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	pool, between, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{pool: pool}
	if between {
		s.notes = append(s.notes, Note{Text: "a pooler such as PgBouncer is between this worker and the server: no statement is prepared"})
	}
	if err := s.open(ctx, cfg.Users); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, users *Users) (err error) {
	if err := s.checkServer(ctx); err != nil {
		return err
	}
	found, err := users.orFound(ctx, s.pool)
	if err != nil {
		return err
	}
	if s.users, err = found.prepare(ctx, s.pool); err != nil {
		return err
	}
	s.notes = append(s.notes, s.users.notes...)
	if err := s.try(ctx); err != nil {
		return err
	}
	return s.explainLookup(ctx)
}

// connect makes the connections, and reports whether a pooler is in between.
func connect(ctx context.Context, cfg Config) (pool *pgxpool.Pool, between bool, err error) {
	conf, err := cfg.pool()
	if err != nil {
		return nil, false, err
	}
	if between, err = pooled(ctx, conf.ConnConfig); err != nil {
		return nil, false, unreached(conf.ConnConfig, err)
	}
	pool, err = pgxpool.NewWithConfig(ctx, conf)
	return pool, between, fault(err)
}

// unreached says which server does not answer, or does not take this user.
func unreached(to *pgx.ConnConfig, err error) error {
	return fmt.Errorf("%s: %w", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))), fault(err))
}

// checkServer checks that the database has rekey's schema, and keeps facts about the server.
func (s *Store) checkServer(ctx context.Context) error {
	if err := checkVersion(ctx, s.pool); err != nil {
		return err
	}
	var commits string
	if err := s.pool.QueryRow(ctx, `SELECT current_setting('synchronous_commit')`).Scan(&commits); err != nil {
		return fault(err)
	}
	if commits == "off" {
		return ErrNotDurable
	}
	return nil
}

// trials are all kinds of statements, for no row.
func (s *Store) trials() []struct{ setting, statement, grant string } {
	users := []struct{ setting, statement, grant string }{
		{"Table", s.users.find, "SELECT on the columns of " + s.users.name},
		{"Password", s.users.setFirst, "UPDATE on the columns of " + s.users.name + " that a change sets"},
		{"Table", s.users.lock, "SELECT and UPDATE ON " + s.users.name},
	}
	if s.users.endSessions != "" {
		users = append(users, struct{ setting, statement, grant string }{"Sessions", s.users.endSessions, "SELECT and DELETE"})
	}
	return users
}

// Check tries the statements of a change, for no row. It finds a standby, a revoked right and a
// missing column before a user waits for a new password.
func (s *Store) Check(ctx context.Context) error { return s.try(ctx) }

// try runs the statements about users without a user, and takes them back.
func (s *Store) try(ctx context.Context) error {
	for _, t := range s.trials() {
		if err := s.attempt(ctx, t.statement); err != nil {
			if sqlState(err) == noPermission {
				err = missingGrant(t.grant)
			}
			return &SettingError{t.setting, safely(err)}
		}
	}
	return s.checkGrants(ctx)
}

// checkGrants names the rights that this user lacks in rekey's schema. A worker may have no
// right on the audit log but to add to it. The sweep of old lines needs more, and reports that
// itself.
func (s *Store) checkGrants(ctx context.Context) error {
	var missing *string
	err := s.pool.QueryRow(ctx, `SELECT string_agg(privilege || ' ON rekey.' || name, ', ') FROM (VALUES
			('tokens', 'SELECT'), ('tokens', 'INSERT'), ('tokens', 'UPDATE'), ('tokens', 'DELETE'),
			('mails', 'SELECT'), ('mails', 'INSERT'), ('mails', 'DELETE'),
			('begun', 'SELECT'), ('begun', 'INSERT'), ('begun', 'UPDATE'), ('begun', 'DELETE'),
			('submissions', 'SELECT'), ('submissions', 'INSERT'), ('submissions', 'UPDATE'), ('submissions', 'DELETE'),
			('audit', 'INSERT')
		) AS needed (name, privilege) WHERE NOT has_table_privilege('rekey.' || name, privilege)`).Scan(&missing)
	if err == nil && missing != nil {
		return missingGrant(*missing)
	}
	return fault(err)
}

var errTried = errors.New("tried")

func (s *Store) attempt(ctx context.Context, statement string) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		described, err := tx.Prepare(ctx, "", statement)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, statement, make([]any, len(described.ParamOIDs))...); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// safely is fault for an error that may be an Error already.
func safely(err error) error {
	if sqlState(err) == "" {
		return err
	}
	return fault(err)
}
