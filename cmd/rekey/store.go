package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/account/mysql"
	"github.com/rekeyhq/rekey/account/postgres"
)

// storeFlags are the place of the accounts.
type storeFlags struct {
	Store    string `required:"" env:"REKEY_STORE" help:"Account store: postgres://user@host:5432/database?sslmode=verify-full for any number of workers; or the bbolt file of your application, for one worker."`
	Password string `name:"store-password-file" type:"path" env:"REKEY_STORE_PASSWORD_FILE" help:"File with the password of PostgreSQL's user; PGPASSFILE and PGPASSWORD work too."`

	hostFlags
	usersFlags
}

var errOwnAccounts = errors.New("--store ($REKEY_STORE): the database has accounts in rekey's own tables: use another database for the records of --users-url")

// hostFlags are an application that keeps the accounts elsewhere.
type hostFlags struct {
	UsersURL    string `name:"users-url" env:"REKEY_USERS_URL" help:"Where an application keeps the accounts: https://app.example.com/rekey, which answers signed requests (docs/hosts/url.md); or mysql://user@host:3306/database (docs/hosts/mysql.md). --store then has rekey's own records only, and its file is created."`
	UsersSecret string `name:"users-secret-file" type:"path" env:"REKEY_USERS_SECRET_FILE" help:"File with the secrets of the signature, one a line: whsec_ and base64; or with the password of the database's user."`
}

// host opens the application.
func (h *hostFlags) host(ctx context.Context) (host account.Host, err error) {
	secret, err := readSecret(h.UsersSecret)
	if err != nil {
		return nil, fmt.Errorf("--users-secret-file ($REKEY_USERS_SECRET_FILE): %w", err)
	}
	if mysql.IsURL(h.UsersURL) {
		host, err = mysql.Open(ctx, h.UsersURL, secret)
	} else {
		host, err = hosturl.Open(h.UsersURL, secret)
	}
	switch {
	case errors.Is(err, hosturl.ErrSecret):
		return nil, fmt.Errorf("--users-secret-file ($REKEY_USERS_SECRET_FILE): %w", err)
	case err != nil:
		return nil, fmt.Errorf("--users-url ($REKEY_USERS_URL): %w", err)
	}
	return host, nil
}

// usersFlags describe an existing table of users.
type usersFlags struct {
	Users      string `name:"users-table" env:"REKEY_USERS_TABLE" help:"Existing table of users in that database: name or schema.name. The starter then needs the --normalize of your sign-in. Without the table, the accounts are in rekey's own tables."`
	ID         string `name:"id-column" default:"id" env:"REKEY_ID_COLUMN" help:"Its column with the ID, of any type."`
	Email      string `name:"email-column" default:"email" env:"REKEY_EMAIL_COLUMN" help:"Its column with the mail address; needs an index on lower(...), or a citext column with an index."`
	Hash       string `name:"password-column" default:"password" env:"REKEY_PASSWORD_COLUMN" help:"Its column with the password hash. Accounts without a password get no mail: NULL, empty, or a value that begins with ! or *, as in Django and shadow."`
	ChangedAt  string `name:"changed-at-column" env:"REKEY_CHANGED_AT_COLUMN" help:"Its column with the time of the last change; your sessions must be newer. This or --sessions-table is required."`
	Sessions   string `name:"sessions-table" env:"REKEY_SESSIONS_TABLE" help:"Table of sessions: a change deletes those of its user."`
	SessionsBy string `name:"sessions-user-column" default:"user_id" env:"REKEY_SESSIONS_USER_COLUMN" help:"Its column with the ID of the user."`
	Disabled   string `name:"disabled-column" env:"REKEY_DISABLED_COLUMN" help:"Column of the users for closed or locked accounts, which get no mail: true, or a time. If its name is an end, such as banned_until: a future time."`
	Resettable string `name:"resettable-column" env:"REKEY_RESETTABLE_COLUMN" help:"Column of the users that is false if the password must not be reset, such as with single sign-on."`
	Notify     string `name:"notify-column" env:"REKEY_NOTIFY_COLUMN" help:"Column of the users with further addresses to notify of a change: text or text[]."`
}

// usersSettings are the flags of the fields of postgres.Users.
var usersSettings = map[string]string{ //nolint:gochecknoglobals // a constant table
	"Table":        "--users-table ($REKEY_USERS_TABLE)",
	"ID":           "--id-column ($REKEY_ID_COLUMN)",
	"Email":        "--email-column ($REKEY_EMAIL_COLUMN)",
	"Password":     "--password-column ($REKEY_PASSWORD_COLUMN)",
	"ChangedAt":    "--changed-at-column ($REKEY_CHANGED_AT_COLUMN)",
	"Sessions":     "--sessions-table ($REKEY_SESSIONS_TABLE)",
	"SessionsUser": "--sessions-user-column ($REKEY_SESSIONS_USER_COLUMN)",
	"Disabled":     "--disabled-column ($REKEY_DISABLED_COLUMN)",
	"Resettable":   "--resettable-column ($REKEY_RESETTABLE_COLUMN)",
	"Notify":       "--notify-column ($REKEY_NOTIFY_COLUMN)",
}

// check refuses a text that would be taken for the path of a file and is none.
func (s *storeFlags) check() error {
	if !postgres.IsURL(s.Store) && scheme.MatchString(s.Store) {
		return errors.New("--store ($REKEY_STORE): want a URL such as postgres://user@host:5432/database?sslmode=verify-full, or the path of a bbolt file; rekey has no other stores")
	}
	if s.UsersURL != "" && s.Users != "" {
		return errors.New("--users-url ($REKEY_USERS_URL) and --users-table ($REKEY_USERS_TABLE): want one place of the accounts")
	}
	if s.UsersURL == "" && s.UsersSecret != "" {
		return errors.New("--users-secret-file ($REKEY_USERS_SECRET_FILE): want a --users-url ($REKEY_USERS_URL) that it signs for")
	}
	return nil
}

// scheme is how the URL of any database begins. The rest may hold a password. A drive of
// Windows has one letter.
var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://|^(postgres|postgresql|mysql|sqlite|file|jdbc):`)

// open opens the accounts.
func (s *storeFlags) open(ctx context.Context, log zerolog.Logger) (account.Store, error) {
	switch {
	case s.UsersURL != "":
		return s.openBeside(ctx)
	case postgres.IsURL(s.Store):
		return s.openPostgres(ctx, log)
	}
	store, err := bolt.OpenExisting(kong.ExpandPath(s.Store))
	if err != nil {
		return nil, explainStore(err)
	}
	return store, nil
}

// openBeside opens rekey's own records, beside an application with the accounts.
func (s *storeFlags) openBeside(ctx context.Context) (account.Store, error) {
	host, err := s.host(ctx)
	if err != nil {
		return nil, err
	}
	if !postgres.IsURL(s.Store) {
		file, err := bolt.OpenLedger(kong.ExpandPath(s.Store))
		if err != nil {
			return nil, explainStore(err)
		}
		return account.Beside(host, file), nil
	}
	cfg, err := databaseConfig(s.Store, s.Password)
	if err != nil {
		return nil, err
	}
	database, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, explainStore(err)
	}
	if some, err := database.HasAccounts(ctx); err != nil || some {
		return nil, errors.Join(cmp.Or(err, errOwnAccounts), database.Close())
	}
	return account.Beside(host, database), nil
}

func (s *storeFlags) openPostgres(ctx context.Context, log zerolog.Logger) (account.Store, error) {
	cfg, err := databaseConfig(s.Store, s.Password)
	if err != nil {
		return nil, err
	}
	cfg.Users = s.users()
	store, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, explainStore(err)
	}
	for _, note := range store.Notes() {
		level := zerolog.InfoLevel
		if note.Mend {
			level = zerolog.WarnLevel
		}
		log.WithLevel(level).Msg(note.Text)
	}
	if some, err := store.HasAccounts(ctx); err == nil && !some {
		log.Warn().Str("table", s.Users).Msg("this user of the database sees no account, so no mail is sent; REKEY_USERS_TABLE must name the table of the accounts")
	}
	return store, nil
}

func (u *usersFlags) users() *postgres.Users {
	if u.Users == "" {
		return nil
	}
	users := &postgres.Users{
		Table: u.Users, ID: u.ID, Email: u.Email, Password: u.Hash, ChangedAt: u.ChangedAt,
		Sessions: u.Sessions, Disabled: u.Disabled, Resettable: u.Resettable, Notify: u.Notify,
	}
	if u.Sessions != "" {
		users.SessionsUser = u.SessionsBy
	}
	return users
}

// databaseConfig has the data of the connection.
func databaseConfig(url, passwordFile string) (postgres.Config, error) {
	secret, err := readSecret(passwordFile)
	if err != nil {
		return postgres.Config{}, fmt.Errorf("--store-password-file ($REKEY_STORE_PASSWORD_FILE): %w", err)
	}
	if passwordFile != "" && secret == "" { // PGPASSWORD would count in its place
		return postgres.Config{}, errors.New("--store-password-file ($REKEY_STORE_PASSWORD_FILE): the file is empty: write the password into it")
	}
	return postgres.Config{URL: url, Password: secret}, checkDatabaseSecrets(url)
}

// explainStore names the setting that an error of the database is about.
func explainStore(err error) error {
	if errors.Is(err, postgres.ErrNoSessions) {
		return fmt.Errorf("--sessions-table ($REKEY_SESSIONS_TABLE) or --changed-at-column ($REKEY_CHANGED_AT_COLUMN): %w", err)
	}
	if wrong, ok := errors.AsType[*postgres.SettingError](err); ok {
		return fmt.Errorf("%s: %w", usersSettings[wrong.Setting], wrong.Reason)
	}
	return fmt.Errorf("--store ($REKEY_STORE): %w", err)
}
