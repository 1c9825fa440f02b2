package cli

import (
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account/postgres"
)

// migrateCmd is `rekey migrate`.
type migrateCmd struct {
	Store    string `required:"" env:"REKEY_STORE" help:"URL of the database: postgres://user@host:5432/database?sslmode=verify-full. The user may differ from the worker's; it creates the schema rekey and its tables."`
	Password string `name:"store-password-file" type:"path" env:"REKEY_STORE_PASSWORD_FILE" help:"File with the password of that user; PGPASSFILE and PGPASSWORD work too."`
}

func (m *migrateCmd) check() error {
	if !postgres.IsURL(m.Store) {
		return fmt.Errorf("--store ($REKEY_STORE): %w; a bbolt file needs no migration", postgres.ErrURL)
	}
	return nil
}

// Run makes the schema or brings it up to date.
func (m *migrateCmd) Run(p *process) error {
	cfg, err := databaseConfig(m.Store, m.Password)
	if err != nil {
		return err
	}
	err = postgres.Migrate(p.ctx, cfg, func(step postgres.Migration) {
		fmt.Fprintf(p.stdout, "applied %s (%s)\n", step.Name, step.Took.Round(time.Millisecond))
	})
	if err != nil {
		return explainStore(err)
	}
	_, err = fmt.Fprintf(p.stdout, "the schema rekey is at version %d\n", postgres.SchemaVersion)
	return err
}
