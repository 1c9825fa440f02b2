package postgres_test

import (
	"context"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func issue(ctx context.Context, s account.Store, t account.TokenRecord, limit int) error {
	_, err := s.IssueToken(ctx, t, limit)
	return err
}

// template is a database with rekey's schema, for the others of the binary to be copied from.
var template struct {
	sync.Mutex
	url string
}

// migrated makes a database with rekey's schema and returns its URL.
func migrated(tb testing.TB) string {
	tb.Helper()
	template.Lock()
	defer template.Unlock()
	if template.url == "" {
		url := postgrestest.Database(tb)
		must(tb, postgres.Migrate(context.Background(), postgres.Config{URL: url}, func(postgres.Migration) {}))
		template.url = url
	}
	return postgrestest.Copy(tb, template.url)
}

// anew makes an application's tables go, for those of the next case of a test.
const anew = `DROP SCHEMA public CASCADE; CREATE SCHEMA public; TRUNCATE rekey.tokens, rekey.mails, rekey.begun, rekey.submissions; `

// openAt opens rekey's own tables.
func openAt(tb testing.TB, url string) *postgres.Accounts {
	tb.Helper()
	s, err := postgres.OpenAccounts(tb.Context(), postgres.Config{URL: url})
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

func ann() account.Account {
	return account.Account{ID: "ann", Address: "ann@example.com", Credential: "$argon2id$old", Resettable: true}
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// tokenOf is a record of a mail to an account.
func tokenOf(a account.Account, key byte) account.TokenRecord {
	return account.TokenRecord{
		Key: account.RecordKey{key}, Scope: account.ScopePasswordReset, AccountID: a.ID, Address: a.Address,
		Credential: account.CredentialDigest(a.Credential), Run: "run", Mail: strconv.Itoa(int(key)),
		Issued: noon, Expires: noon.Add(30 * time.Minute),
	}
}

func changeBy(t account.TokenRecord) account.Change {
	return account.Change{Record: t.Key, Submission: "submission", Run: t.Run, Hash: "$argon2id$new", At: t.Issued}
}
