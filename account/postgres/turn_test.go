package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// A block waits for the work of another worker on the account, such as the record of a link, and so
// its connection does not outlive a lost worker by more than a minute.
func TestBlockTakesItsTurn(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	must(t, Migrate(t.Context(), Config{URL: url}, func(Migration) {}))
	s := &Accounts{open(t, url, nil)}
	must(t, s.Put(t.Context(), account.Account{ID: "ann", Address: "ann@example.com", Credential: "$argon2id$old", Resettable: true}))
	for what, work := range map[string]func() error{
		"block": func() error {
			return s.Block(t.Context(), account.Block{AccountID: "ann", Hash: func(string) (string, error) { return "$argon2id$blocked", nil }})
		},
		"blocked": func() error { return s.Blocked(t.Context(), account.Block{AccountID: "ann"}, "") },
	} {
		done := make(chan error, 1)
		must(t, s.update(t.Context(), func(tx pgx.Tx) error {
			if err := lock(t.Context(), tx, "ann"); err != nil {
				return err
			}
			go func() { done <- work() }()
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for waits := false; !waits; <-tick.C {
				err := tx.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
					AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits)
				if err != nil {
					return err
				}
				select {
				case err := <-done:
					t.Errorf("%s did not wait: %v", what, err)
					done <- err
					return nil
				default:
				}
			}
			return nil
		}))
		must(t, <-done)
	}
}
