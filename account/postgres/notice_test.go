package postgres_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// One notice that cannot be read delays no other. The error names its run, and nothing of its
// address.
func TestOneDamagedNotice(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users (id, email, password) SELECT i, 'u' || i || '@example.com', '$argon2id$old' FROM generate_series(1, 3) i`)
	s := openUsers(t, url, plainUsers())
	for i := range 3 {
		n := strconv.Itoa(i + 1)
		a, err := s.Account(t.Context(), n)
		must(t, err)
		token := tokenOf(a, byte(i))
		token.Run = "run-" + n
		must(t, issue(t.Context(), s, token, 10))
		change := changeBy(token)
		change.Submission = "submission-" + n
		_, err = s.ChangePassword(t.Context(), change)
		must(t, err)
	}
	postgrestest.Exec(t, url, `UPDATE rekey.submissions SET debt = '{"Left": "u2@example.com"}' WHERE run = 'run-2'`)
	for range 8 { // in an order by chance
		found, err := s.Owed(t.Context(), noon.Add(time.Hour), 10)
		if err == nil || !strings.Contains(err.Error(), "damaged for the run run-2") || strings.Contains(err.Error(), "example.com") {
			t.Fatalf("error %v", err)
		}
		if len(found) != 2 || found[0].Run == "run-2" || found[1].Run == "run-2" {
			t.Fatalf("found %+v", found)
		}
	}
}
