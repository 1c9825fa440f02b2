package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// A worker whose clock is years ahead deletes no line that is young by the database's clock.
func TestSweepOfTheAuditLogGoesByTheDatabase(t *testing.T) {
	t.Parallel()
	s := openAt(t, migrated(t))
	must(t, s.Record(t.Context(), account.Entry{At: time.Now(), Event: account.EventMailIssued, AccountID: "ann"}))
	n, err := s.SweepAudit(t.Context(), time.Now().AddDate(3, 0, 0), 24*time.Hour)
	must(t, err)
	if n != 0 {
		t.Errorf("%d lines of today were swept", n)
	}
}

// A worker may have no right but to add to the audit log. The error names the missing right.
func TestAuditLogWithoutRights(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAs(t, url, `GRANT INSERT ON rekey.audit TO $user; GRANT SELECT ON rekey.goose_db_version TO $user;
		GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.mails, rekey.begun, rekey.submissions, rekey.accounts, rekey.sessions TO $user`)
	must(t, s.Record(t.Context(), account.Entry{At: time.Now(), Event: account.EventMailIssued, AccountID: "gone"}))
	_, read := s.Entries(t.Context(), account.Filter{})
	_, swept := s.SweepAudit(t.Context(), time.Now(), time.Hour)
	_, forgot := s.Forget(t.Context(), "gone", account.Entry{At: time.Now()})
	for _, refused := range []struct {
		err   error
		grant string
	}{{read, "USAGE ON SCHEMA rekey, and SELECT"}, {swept, "DELETE, SELECT (id, at)"}, {forgot, "DELETE, SELECT (account_id)"}} {
		if refused.err == nil || !strings.Contains(refused.err.Error(), "GRANT "+refused.grant+" ON rekey.audit") {
			t.Errorf("%v, want %s", refused.err, refused.grant)
		}
	}
}
