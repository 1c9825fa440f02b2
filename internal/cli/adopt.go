package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/password"
)

// adoptCmd is `rekey adopt`.
type adoptCmd struct {
	Store    string   `required:"" env:"REKEY_STORE" help:"URL of the database of your application: postgres://owner@host:5432/database?sslmode=verify-full. It is only read."`
	Password string   `name:"store-password-file" type:"path" env:"REKEY_STORE_PASSWORD_FILE" help:"File with the password of that user; PGPASSFILE and PGPASSWORD work too."`
	Recipe   string   `env:"REKEY_RECIPE" help:"Your application, if it is one of ${recipes}."`
	Table    string   `env:"REKEY_TABLE" help:"Its table of users: name or schema.name. Without it, the table that looks like one."`
	Sessions []string `env:"REKEY_SESSIONS" help:"Its tables of sessions, with commas between them: name or schema.name. Or hash, if each session holds a part of the password hash. Without it, the tables that look like sessions."`
	Role     string   `default:"rekey" env:"REKEY_ROLE" help:"Role of the worker in the database."`
}

func (a *adoptCmd) check() error {
	if !postgres.IsURL(a.Store) {
		return fmt.Errorf("--store ($REKEY_STORE): %w", postgres.ErrURL)
	}
	return nil
}

// Run prints what it finds to standard error, and the SQL to standard output.
func (a *adoptCmd) Run(p *process) error {
	connection, err := databaseConfig(a.Store, a.Password)
	if err != nil {
		return err
	}
	cfg := postgres.AdoptConfig{Config: connection, Recipe: a.Recipe, Table: a.Table, Sessions: a.Sessions, Role: a.Role, Judge: judge}
	sql, err := postgres.Adopt(p.ctx, cfg, func(n postgres.Note) {
		mark := "      "
		if n.Mend {
			mark = "LOOK: "
		}
		fmt.Fprintln(p.stderr, mark+n.Text)
	})
	if err != nil {
		return explainAdopt(err)
	}
	_, err = fmt.Fprint(p.stdout, sql)
	return err
}

// judge says what rekey makes of a stored hash.
func judge(stored string) postgres.Note {
	like, err := password.Like(stored)
	switch form := cmp.Or(account.Form(stored), "no known format"); {
	case !account.Account{Credential: stored}.HasPassword():
		return postgres.Note{Text: "no password, so no mail is sent"}
	case err != nil:
		return postgres.Note{Text: form + ", which rekey does not make, so no mail is sent (see --upgrade-hash of the worker)", Mend: true}
	default:
		text, advice := form+" "+password.Text(like), password.Advice(like)
		if advice != "" {
			text += ", " + advice
		}
		return postgres.Note{Text: text, Mend: advice != ""}
	}
}

// explainAdopt names the flag that an error is about.
func explainAdopt(err error) error {
	wrong, ok := errors.AsType[*postgres.SettingError](err)
	switch {
	case errors.Is(err, postgres.ErrNoSessions):
		return errors.New("--sessions ($REKEY_SESSIONS): no table of sessions was found, and a reset must end them: name it, or say hash if each session holds a part of the password hash")
	case errors.Is(err, postgres.ErrNotOneTable):
		return fmt.Errorf("--table ($REKEY_TABLE): %w", err)
	case ok:
		return fmt.Errorf("%s: %w", map[string]string{
			"Recipe": "--recipe ($REKEY_RECIPE)", "Table": "--table ($REKEY_TABLE)", "Password": "--table ($REKEY_TABLE)",
			"Sessions": "--sessions ($REKEY_SESSIONS)", "Role": "--role ($REKEY_ROLE)",
		}[wrong.Setting], wrong.Reason)
	default:
		return fmt.Errorf("--store ($REKEY_STORE): %w", err)
	}
}
