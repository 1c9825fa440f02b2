package postgres

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// Config says where the accounts are.
type Config struct {
	// URL is postgres://user@host:port/database, with the parameters of libpq (sslmode,
	// sslrootcert, target_session_attrs ...) and of pgxpool (pool_max_conns ...). Missing
	// parts come from the PG* variables and the password file, as with psql. It must hold no
	// password and no service, and beyond this machine sslmode=verify-full.
	URL string
	// Password is that of the user; empty means PGPASSWORD or the password file.
	Password string
	// Users describes a table of users that is there already. Nil means the view rekey.users,
	// which [Adopt] writes, and rekey's own tables where there is no such view.
	Users *Users
}

// Errors of a [Config].
var (
	// ErrURL means that the URL is none.
	ErrURL = errors.New("want a URL such as postgres://user@host:5432/database")
	// ErrPasswordInURL means that the URL holds a password.
	ErrPasswordInURL = errors.New("the URL must hold no password, because others can see it: put it in a file, or in the password file of PostgreSQL (PGPASSFILE)")
	// ErrService means that a service file is to say what the URL should.
	ErrService = errors.New("a service file (service in the URL, or PGSERVICE) may hold an unchecked password or file name: put host, port, user and database into the URL, and the password into a file")
	// ErrClear means that passwords and hashes would travel in clear, or to an impostor of the
	// server.
	ErrClear = errors.New("the connection to another machine must be encrypted and the server's certificate verified: add sslmode=verify-full (and sslrootcert) to the URL")
)

// IsURL reports that a text is meant as the URL of a PostgreSQL database.
func IsURL(s string) bool {
	return strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
}

// connectWait is how long one server may take to answer, unless the URL says otherwise.
const connectWait = 5 * time.Second

// Check refuses settings that cannot be right or are unsafe, without a connection. Errors:
// [ErrURL], [ErrPasswordInURL], [ErrService], [ErrClear].
func (c Config) Check() error {
	_, err := c.pool()
	return err
}

// pool judges the settings. No error of it quotes the URL.
func (c Config) pool() (*pgxpool.Config, error) {
	u, err := url.Parse(c.URL)
	if err != nil || !IsURL(c.URL) {
		return nil, ErrURL
	}
	_, inUser := u.User.Password()
	query := u.Query()
	switch {
	case inUser || query.Has("password") || query.Has("sslpassword"):
		return nil, ErrPasswordInURL
	case query.Has("service") || os.Getenv("PGSERVICE") != "":
		return nil, ErrService
	}
	cfg, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrURL, cause(err))
	}
	conn := cfg.ConnConfig
	if c.Password != "" {
		conn.Password = c.Password
	}
	if conn.ConnectTimeout == 0 {
		conn.ConnectTimeout = connectWait
	}
	if conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = "rekey"
	}
	return cfg, verified(&conn.Config)
}

// cause is the reason why a setting was refused, without the setting.
func cause(err error) error {
	if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok && parse.Unwrap() != nil {
		return parse.Unwrap()
	}
	return errors.New("a parameter is invalid")
}

// verified refuses a connection to another machine that an attacker on the way could read or
// answer. Every host of the URL counts, and every fallback of pgx.
func verified(c *pgconn.Config) error {
	all := append([]*pgconn.FallbackConfig{{Host: c.Host, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	for _, to := range all {
		if !here(to.Host) && !safe(to.TLSConfig) {
			return ErrClear
		}
	}
	return nil
}

func safe(c *tls.Config) bool { return c != nil && !c.InsecureSkipVerify }

// here reports that a host is this machine, or the folder of a Unix socket.
func here(host string) bool {
	return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || loopback.Is(host)
}
