package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
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

	file *bolt.Store // that open has opened; nil without one
}

var errOwnAccounts = errors.New("--store ($REKEY_STORE): the database has accounts of its own (rekey.accounts or rekey.users): use another database for the records of --users-url")

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

// check refuses a text that would be taken for the path of a file and is none.
func (s *storeFlags) check() error {
	if !postgres.IsURL(s.Store) && scheme.MatchString(s.Store) {
		return errors.New("--store ($REKEY_STORE): want a URL such as postgres://user@host:5432/database?sslmode=verify-full, or the path of a bbolt file; rekey has no other stores")
	}
	if os.Getenv("REKEY_USERS_TABLE") != "" {
		return errTableGone
	}
	if s.UsersURL == "" && s.UsersSecret != "" {
		return errors.New("--users-secret-file ($REKEY_USERS_SECRET_FILE): want a --users-url ($REKEY_USERS_URL) that it signs for")
	}
	return nil
}

// errTableGone keeps the worker of an upgraded installation from looking for its users elsewhere.
var errTableGone = errors.New("REKEY_USERS_TABLE and its columns are gone: run `rekey adopt`, and unset them (docs/operations/upgrades.md)")

// scheme is how the URL of any database begins. The rest may hold a password. A drive of
// Windows has one letter.
var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://|^(postgres|postgresql|mysql|sqlite|file|jdbc):`)

// open opens the accounts.
func (s *storeFlags) open(ctx context.Context, log zerolog.Logger) (_ account.Store, err error) {
	switch {
	case s.UsersURL != "":
		return s.openBeside(ctx, log)
	case postgres.IsURL(s.Store):
		return s.openPostgres(ctx, log)
	}
	if s.file, err = bolt.OpenExisting(kong.ExpandPath(s.Store)); err != nil {
		return nil, explainStore(err)
	}
	return s.file, nil
}

// manyRows is more than a look-up by an index reads.
const manyRows = 10_000

// openBeside opens rekey's own records, beside an application with the accounts.
func (s *storeFlags) openBeside(ctx context.Context, log zerolog.Logger) (account.Store, error) {
	host, err := s.host(ctx)
	if err != nil {
		return nil, err
	}
	if database, ok := host.(*mysql.Host); ok {
		rows, err := database.LookUpReads(ctx)
		if err != nil {
			return nil, fmt.Errorf("--users-url ($REKEY_USERS_URL): %w", err)
		}
		if rows > manyRows {
			log.Warn().Int("rows", rows).Msg("a look-up by address reads the whole table, and each request makes one: index the column of the address")
		}
	}
	if !postgres.IsURL(s.Store) {
		if s.file, err = bolt.OpenLedger(kong.ExpandPath(s.Store)); err != nil {
			return nil, explainStore(err)
		}
		return account.Beside(host, s.file), nil
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
		log.Warn().Msg("this user of the database sees no account, so no mail is sent; `rekey adopt` makes a view of your own users")
	}
	return store, nil
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
	if wrong, ok := errors.AsType[*postgres.SettingError](err); ok {
		err = fmt.Errorf("the users: %w", wrong.Reason)
	}
	return fmt.Errorf("--store ($REKEY_STORE): %w", err)
}
