package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/usage"
)

// Temporal is a Temporal server in this process that runs.
type Temporal interface {
	Addr() string        // of its frontend
	Client() *tls.Config // of a client
	PEM() []byte         // certificate and key of a client
	Stop()               // waits until nothing is written any more

	// Backup copies its file to a path that does not exist.
	Backup(ctx context.Context, path string) error
}

// TemporalOptions are the place of its data and its address.
type TemporalOptions struct {
	Addr     string // on loopback
	File     string // of SQLite; empty with a database
	Database string // URL of PostgreSQL
	Password string // of its user
	Log      zerolog.Logger
}

// UIOptions are those of Temporal's UI.
type UIOptions struct {
	Temporal string // address of the server
	PEM      []byte // certificate and key of a client
	Codec    string // URL of the codec server
	Sealed   bool   // browsers come by https
}

// Embedded are the parts of `rekey one` that only its own program links: they are bigger than all
// others.
type Embedded struct {
	Temporal func(context.Context, TemporalOptions) (Temporal, error)
	UI       func(UIOptions) (http.Handler, error)
}

// One adds the command `one`.
func One(parts Embedded) kong.Option {
	return kong.DynamicCommand("one", "Run everything in this process: Temporal's server and UI, codec server, worker and starter, for one machine.",
		"", &oneCmd{Run: oneRunCmd{embedded: parts}})
}

// oneCmd is `rekey one`.
type oneCmd struct {
	Run    oneRunCmd    `cmd:"" default:"withargs" help:"Run it; the word run may be left out."`
	Backup oneBackupCmd `cmd:"" help:"Copy the data of a running rekey one into a folder, without a stop."`
}

// oneRunCmd has the settings of the separate commands, under their names.
type oneRunCmd struct {
	Data string `required:"" type:"path" env:"REKEY_DATA" help:"Folder of keysets, runs and records, mode 700. The first start fills it. One process at a time uses it."`

	TemporalListen   string `name:"temporal-listen" default:"127.0.0.1:7233" env:"REKEY_TEMPORAL_LISTEN" help:"Address of the Temporal server, on loopback."`
	TemporalDB       string `name:"temporal-db" env:"REKEY_TEMPORAL_DB" help:"PostgreSQL database of the Temporal server, and a second one with _visibility after its name, in place of a file in --data: postgres://user@host:5432/temporal?sslmode=verify-full."`
	TemporalPassword string `name:"temporal-db-password-file" type:"path" env:"REKEY_TEMPORAL_DB_PASSWORD_FILE" help:"File with the password of that database's user; PGPASSFILE and PGPASSWORD work too."`
	UIListen         string `name:"ui-listen" default:"127.0.0.1:8233" env:"REKEY_UI_LISTEN" help:"Address of Temporal's UI, and of the codec server below /codec, on loopback; empty for none."`
	UIOrigin         string `name:"ui-origin" env:"REKEY_UI_ORIGIN" help:"Origin of the UI in browsers, with a proxy in front: https://temporal.example.com; without it that of --ui-listen."`

	Store    string `env:"REKEY_STORE" help:"Account store: postgres://user@host:5432/database?sslmode=verify-full, or the bbolt file of your application. With --users-url it has rekey's own records only; the default is then records.db in --data."`
	Password string `name:"store-password-file" type:"path" env:"REKEY_STORE_PASSWORD_FILE" help:"File with the password of PostgreSQL's user; PGPASSFILE and PGPASSWORD work too."`
	hostFlags

	baseFlag
	starterFlags
	workerFlags
	mailFlags
	codecFlags
	opsFlags

	embedded Embedded
	starter  starterCmd // of these settings
	worker   workerCmd
}

// check refuses what the separate commands refuse, and more than one Temporal.
func (o *oneRunCmd) check() error {
	o.Data = filepath.Clean(o.Data)
	o.assemble()
	if o.SignInURL == "" {
		return errors.New("set --login-url ($REKEY_LOGIN_URL); see `rekey one --help`")
	}
	return cmp.Or(o.checkForeign(), o.checkOwn(), o.checkTemporalDB(), o.starter.check(), o.checkStore(), o.worker.check(), o.codecFlags.check())
}

// assemble makes the separate commands.
func (o *oneRunCmd) assemble() {
	keys := o.keys()
	o.starter = starterCmd{
		Keys: keys, baseFlag: o.baseFlag, LoginURL: o.SignInURL, Product: o.Product, Support: o.Support, Messages: o.Messages, Brand: o.Brand,
		starterFlags: o.starterFlags, opsFlags: o.opsFlags,
	}
	store := o.Store
	if store == "" && o.UsersURL != "" {
		store = filepath.Join(o.Data, recordsFile)
	}
	o.worker = workerCmd{
		Keys: keys, baseFlag: o.baseFlag, storeFlags: storeFlags{Store: store, Password: o.Password, hostFlags: o.hostFlags},
		workerFlags: o.workerFlags, mailFlags: o.mailFlags, opsFlags: o.opsFlags,
	}
}

// checkForeign refuses settings of other commands that would not be used, so that nobody counts
// on them.
func (o *oneRunCmd) checkForeign() error {
	for name, why := range map[string]string{
		"TEMPORAL_ADDRESS":   "this command runs a Temporal server of its own, at --temporal-listen ($REKEY_TEMPORAL_LISTEN)",
		"TEMPORAL_NAMESPACE": "the namespace of its Temporal server is default",
		"REKEY_DEPLOYMENT":   "only one build runs on one machine, and it leads the runs of the former one",
	} {
		if os.Getenv(name) != "" {
			return fmt.Errorf("%s: unset it: %s", name, why)
		}
	}
	if dir := os.Getenv("REKEY_KEYS"); dir != "" && filepath.Clean(dir) != o.keys() {
		return fmt.Errorf("REKEY_KEYS: unset it, or name %s: the keysets are there", o.keys())
	}
	return nil
}

func (o *oneRunCmd) checkOwn() error {
	for _, at := range []struct{ setting, address string }{
		{"--temporal-listen ($REKEY_TEMPORAL_LISTEN)", o.TemporalListen}, {"--ui-listen ($REKEY_UI_LISTEN)", o.UIListen},
	} {
		if err := checkListen(at.setting, at.address); err != nil {
			return err
		}
		if at.address != "" && !loopback.Is(at.address) {
			return fmt.Errorf("%s: want an address of this machine, such as 127.0.0.1:8233: a proxy with a certificate makes it reachable for others", at.setting)
		}
	}
	if err := usage.Address(o.TemporalListen); err != nil {
		return fmt.Errorf("--temporal-listen ($REKEY_TEMPORAL_LISTEN): %w", err)
	}
	if o.UIListen == "" {
		return nil
	}
	if err := codecserver.CheckOrigin(o.origin()); err != nil {
		return fmt.Errorf("--ui-origin ($REKEY_UI_ORIGIN): %w", err)
	}
	return nil
}

// origin is the UI's, as browsers name it.
func (o *oneRunCmd) origin() string { return cmp.Or(o.UIOrigin, "http://"+o.UIListen) }

func (o *oneRunCmd) checkTemporalDB() error {
	if o.TemporalDB == "" {
		if o.TemporalPassword != "" {
			return errors.New("--temporal-db-password-file ($REKEY_TEMPORAL_DB_PASSWORD_FILE): want a --temporal-db ($REKEY_TEMPORAL_DB)")
		}
		return nil
	}
	if err := (postgres.Config{URL: o.TemporalDB}).Check(); err != nil {
		return fmt.Errorf("--temporal-db ($REKEY_TEMPORAL_DB): %w", err)
	}
	return nil
}

func (o *oneRunCmd) checkStore() error {
	store := o.worker.Store
	switch {
	case store == "":
		return errors.New("set --users-url ($REKEY_USERS_URL) or --store ($REKEY_STORE), where your application keeps the accounts; see `rekey one --help`")
	case postgres.IsURL(store) || scheme.MatchString(store) || filepath.Dir(kong.ExpandPath(store)) == o.Data:
		return nil
	default: // the backup has this folder
		return errors.New("--store ($REKEY_STORE): want a file in --data ($REKEY_DATA), or the URL of a database")
	}
}

func (o *oneRunCmd) keys() string { return filepath.Join(o.Data, "keys") }

// checkFolder refuses a folder that others may look into.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return errors.New("want a folder")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("other users may open this folder of secrets: run `chmod 700 %s`", dir)
	default:
		return nil
	}
}
