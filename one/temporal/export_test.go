package temporal

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	persistence "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
)

// Addrs are the addresses of all services.
func (s *Server) Addrs() map[string]string {
	all := map[string]string{}
	for name, addr := range s.ports.byName() {
		all[string(name)] = addr.String()
	}
	return all
}

// Keep runs a statement on the one connection that all calls of the server use.
func (s *Server) Keep(statement string) error {
	db, err := persistence.NewSQLAdminDB(sqlplugin.DbKindUnknown, s.stores.runs, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	return errors.Join(db.Exec(statement), db.Close())
}

// Read returns the only value of a query from a SQLite file that nothing has open.
func Read(path, query string) (value string, err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return "", err
	}
	err = db.QueryRow(query).Scan(&value)
	return value, errors.Join(err, db.Close())
}

// Check judges a SQLite file that nothing has open.
func Check(path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var said string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		return errors.Join(err, fmt.Errorf("integrity_check: %s", said))
	}
	names, err := db.Query("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, names.Close()) }()
	var tables []string
	for names.Next() {
		var name string
		if err := names.Scan(&name); err != nil {
			return err
		}
		tables = append(tables, name)
	}
	if len(tables) == 0 {
		return errors.New("no index of words")
	}
	for _, name := range tables {
		if _, err := db.Exec(fmt.Sprintf("INSERT INTO %s(%s, rank) VALUES ('integrity-check', 1)", name, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return names.Err()
}
