package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// Errors of [Open].
var (
	// ErrURL means that the URL is none, or holds a password.
	ErrURL = errors.New("want a URL such as mysql://rekey@db.example.com:3306/app, or mysql://rekey@/app?socket=/run/mysqld/mysqld.sock, without a password")
	// ErrNotDurable means that a crash of the server could lose committed changes.
	ErrNotDurable = errors.New("innodb_flush_log_at_trx_commit is not 1, so a crash of the server could undo a change that was reported as done: set it to 1")
	// ErrReadOnly means that the server is a replica.
	ErrReadOnly = errors.New("the server is read-only, as a replica is: name the primary")
)

const (
	wait        = 5 * time.Second // for a connection
	answerWait  = 10 * time.Second
	connections = 16
	lifetime    = 3 * time.Minute // below the timeouts of usual balancers
)

// IsURL reports that a text is meant as the URL of such a database.
func IsURL(s string) bool {
	return strings.HasPrefix(s, "mysql://") || strings.HasPrefix(s, "mariadb://")
}

// Open connects to the database, beyond this machine with TLS and a verified certificate. It checks
// the views, their columns and the rights on them, by statements for no row.
//
// Errors: ErrURL, ErrNotDurable, ErrReadOnly, an [*Error], or the end of ctx.
func Open(ctx context.Context, address, password string) (*Host, error) {
	cfg, err := config(address)
	if err != nil {
		return nil, err
	}
	cfg.Passwd = password
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, ErrURL // the driver's text may quote it
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxLifetime(lifetime)
	h := &Host{db: db}
	if err := h.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

func config(address string) (*driver.Config, error) {
	u, err := url.Parse(address)
	if err != nil || !IsURL(address) || u.User.Username() == "" || len(u.Path) < 2 || u.Fragment != "" {
		return nil, ErrURL
	}
	_, hasPassword := u.User.Password()
	socket := u.Query().Get("socket")
	others := u.Query()
	others.Del("socket")
	if hasPassword || len(others) > 0 || (socket == "") == (u.Host == "") {
		return nil, ErrURL
	}
	cfg := driver.NewConfig()
	cfg.User, cfg.DBName, cfg.Net, cfg.Addr = u.User.Username(), u.Path[1:], "unix", socket
	if socket == "" {
		cfg.Net, cfg.Addr = "tcp", u.Host
		if u.Port() == "" {
			cfg.Addr = net.JoinHostPort(u.Hostname(), "3306")
		}
		if !loopback.Is(u.Host) {
			cfg.TLSConfig = "true" // verified by the certificates of the system
		}
	}
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = wait, answerWait, answerWait
	cfg.ClientFoundRows, cfg.Logger = true, &driver.NopLogger{}
	return cfg, nil
}

// prepare looks at server and views.
func (h *Host) prepare(ctx context.Context) error {
	var flush int
	var readOnly bool
	if err := h.db.QueryRowContext(ctx, "SELECT @@innodb_flush_log_at_trx_commit, @@read_only").Scan(&flush, &readOnly); err != nil {
		return fault(ctx, err)
	}
	switch {
	case flush != 1:
		return ErrNotDurable
	case readOnly:
		return ErrReadOnly
	}
	if err := h.describe(ctx); err != nil {
		return err
	}
	if err := h.checkCollation(ctx); err != nil {
		return err
	}
	return h.Check(ctx)
}

// describe finds the columns of the views.
func (h *Host) describe(ctx context.Context) error {
	users, types, err := columns(ctx, h.db, usersView)
	if err != nil {
		return err
	}
	sessions, _, err := columns(ctx, h.db, sessionsView)
	if err != nil {
		return err
	}
	for _, need := range []struct {
		view, column string
		has          []string
	}{{usersView, "id", users}, {usersView, "address", users}, {usersView, "credential", users}, {sessionsView, "user_id", sessions}} {
		if !slices.Contains(need.has, need.column) {
			return &Error{text: fmt.Sprintf("the view %s has no column %s", need.view, need.column)}
		}
	}
	h.key = keys(types["id"])
	if slices.Contains(users, "address_verified") {
		if h.verify, err = h.maySet(ctx, verified); err != nil {
			return err
		}
	}
	h.fields = "CAST(id AS CHAR), COALESCE(address, ''), COALESCE(credential, ''), " +
		optional(users, "disabled", "FALSE", "COALESCE(%s, FALSE)") + ", " +
		optional(users, "resettable", "TRUE", "COALESCE(%s, FALSE)") + ", " +
		optional(users, "notify", "''", "COALESCE(%s, '')") + ", " +
		optional(users, "locale", "''", "COALESCE(%s, '')")
	return nil
}

// maySet reports whether a column may be set: the user has the right, and it is one of a table.
func (h *Host) maySet(ctx context.Context, assignment string) (bool, error) {
	err := h.try(ctx, setNobody(assignment))
	answer, ok := errors.AsType[*driver.MySQLError](err)
	if ok && slices.Contains([]uint16{1142, 1143, 1348}, answer.Number) {
		return false, nil
	}
	return err == nil, fault(ctx, err)
}

// columns returns the names of a view's columns and their types.
func columns(ctx context.Context, db *sql.DB, view string) (names []string, types map[string]string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+view+" LIMIT 0") //nolint:gosec // a constant
	if err != nil {
		return nil, nil, fault(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	all, err := rows.ColumnTypes()
	types = map[string]string{}
	for _, c := range all {
		names = append(names, strings.ToLower(c.Name()))
		types[strings.ToLower(c.Name())] = c.DatabaseTypeName()
	}
	return names, types, errors.Join(fault(ctx, err), fault(ctx, rows.Err()))
}

// checkCollation refuses a column of addresses in which Ann@example.com is not ann@example.com.
func (h *Host) checkCollation(ctx context.Context) error {
	var collation sql.NullString
	err := h.db.QueryRowContext(ctx, `SELECT COLLATION_NAME FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = 'address'`, usersView).Scan(&collation)
	if err != nil {
		return fault(ctx, err)
	}
	if strings.HasSuffix(collation.String, "_bin") || strings.Contains(collation.String, "_cs") || collation.String == "binary" {
		return &Error{text: "the column address of " + usersView + " tells capitals from small letters (" + collation.String + "): give it a collation that ends in _ci in the view"}
	}
	return nil
}

// LookUpReads returns how many rows the server reads one after the other for a look-up by address,
// which anonymous requests cause. With an index there are none, and some hundred of the statistics
// themselves. EXPLAIN would need rights on the tables behind the view.
func (h *Host) LookUpReads(ctx context.Context) (rows int, err error) {
	conn, err := h.db.Conn(ctx)
	if err != nil {
		return 0, fault(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	read := func() (all int, err error) {
		var name string
		err = conn.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Handler_read_rnd_next'").Scan(&name, &all)
		return all, err
	}
	before, err := read()
	if err != nil {
		return 0, fault(ctx, err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT id FROM "+usersView+" WHERE address IN ('probe@rekey.invalid')"); err != nil {
		return 0, fault(ctx, err)
	}
	after, err := read()
	return after - before, fault(ctx, err)
}

// sampled is how many accounts TryHashes looks at.
const sampled = 100

// TryHashes refuses a column that is too short for the hashes of later changes. For some accounts,
// like is given the stored hash, and returns a sample of the new one, empty for none. Nothing is
// written: a table that is not transactional, such as one of MyISAM, would keep a trial. So a CHECK
// or a trigger that refuses a hash is found by the first reset. The error is an [*Error], or the end
// of ctx; there are no doubts.
func (h *Host) TryHashes(ctx context.Context, like func(stored string) string) (doubts []string, err error) {
	var limit sql.NullInt64
	err = h.db.QueryRowContext(ctx, `SELECT CHARACTER_MAXIMUM_LENGTH FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = 'credential'`, usersView).Scan(&limit)
	if err != nil {
		return nil, fault(ctx, err)
	}
	accounts, err := h.read(ctx, "credential <> '' LIMIT ?", sampled)
	if err != nil {
		return nil, fault(ctx, err)
	}
	for _, a := range accounts {
		if !a.HasPassword() || a.Disabled || !a.Resettable {
			continue
		}
		if sample := like(a.Credential); limit.Valid && int64(len(sample)) > limit.Int64 {
			return nil, &Error{text: fmt.Sprintf("the column credential of %s holds %d characters, and a hash that would be written has %d: widen it", usersView, limit.Int64, len(sample))}
		}
	}
	return nil, nil
}

// Check tries the statements of a change, for no row. It finds a replica, a revoked right and a
// missing column before a user waits for a new password.
func (h *Host) Check(ctx context.Context) error {
	change := setNobody("credential = ''")
	if h.verify {
		change = setNobody("credential = '', " + verified)
	}
	return fault(ctx, h.try(ctx, change, "DELETE FROM "+sessionsView+" WHERE user_id IS NULL"))
}

func setNobody(assignments string) string {
	return "UPDATE " + usersView + " SET " + assignments + " WHERE id IS NULL"
}

// try runs statements, and takes them back.
func (h *Host) try(ctx context.Context, statements ...string) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, statement := range statements {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
