package temporal

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
)

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
