package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestUpgradeHashIsKnown(t *testing.T) {
	t.Parallel()
	wrong(t, workerArgs(t, "--upgrade-hash=md5"), "--upgrade-hash ($REKEY_UPGRADE_HASH): want argon2id or bcrypt, not md5")
}

// A worker whose tables would accept no new hash ends at its start, and names the flag. An upgrade
// is tried before a user waits for it. Costs below the advice are a warning.
func TestWorkerTriesHashes(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	url := postgrestest.Database(t)
	okay(t, "migrate", "--store", url)
	postgrestest.Exec(t, url, `CREATE TABLE users (id int PRIMARY KEY, email text, password varchar(60) CONSTRAINT form CHECK (password LIKE '$2y$%')); CREATE TABLE logins (user_id int);
		INSERT INTO users SELECT i, i || '@example.com', '$2y$08$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq' FROM generate_series(1, 3) i`)
	adopted(t, url, "--sessions=logins")
	args := onPostgres(t, url)
	var log strings.Builder
	if err := run(t.Context(), args, io.Discard, &log); err == nil || !strings.Contains(err.Error(), "TEMPORAL_ADDRESS") {
		t.Errorf("as it is: %v", err)
	}
	if !strings.Contains(log.String(), "below today's advice") {
		t.Errorf("the log is %s", log.String())
	}
	refused(t, append(args, "--upgrade-hash=argon2id"), "--store ($REKEY_STORE)", "holds 60 characters")
	postgrestest.Exec(t, url, `DROP VIEW rekey.users; ALTER TABLE users ALTER password TYPE text`)
	adopted(t, url, "--sessions=logins")
	refused(t, append(args, "--upgrade-hash=argon2id"), "--store ($REKEY_STORE)", `constraint "form"`, "change_refused")
}
