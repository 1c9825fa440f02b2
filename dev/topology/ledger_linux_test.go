package topology

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// ledger is PostgreSQL's count of the work on one database.
type ledger struct {
	*pgx.Conn

	transactions, inserts, updates, deletes int64
	size, wal                               int64
}

func openLedger(t *testing.T, database string) *ledger {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return &ledger{Conn: conn}
}

func (l *ledger) scan(t *testing.T, query string, into ...any) {
	t.Helper()
	if err := l.QueryRow(t.Context(), query).Scan(into...); err != nil {
		t.Fatal(err)
	}
}

// read is the work so far. WAL is that of the whole server.
func (l *ledger) read(t *testing.T) (now ledger) {
	t.Helper()
	l.scan(t, `SELECT xact_commit, tup_inserted, tup_updated, tup_deleted, pg_database_size(datname),
		pg_current_wal_insert_lsn() - '0/0'::pg_lsn
		FROM pg_stat_database WHERE datname = current_database()`,
		&now.transactions, &now.inserts, &now.updates, &now.deletes, &now.size, &now.wal)
	return now
}

// begin drops the earlier counts.
func (l *ledger) begin(t *testing.T) {
	t.Helper()
	if _, err := l.Exec(t.Context(), "SELECT pg_stat_reset()"); err != nil {
		t.Fatal(err)
	}
	conn := l.Conn
	*l = l.read(t)
	l.Conn = conn
}

// report writes the costs of a reset since begin.
func (l *ledger) report(t *testing.T, name string, resets float64) {
	t.Helper()
	now := l.read(t)
	per := func(now, before int64) float64 { return float64(now-before) / resets }
	t.Logf("%s: %.1f transactions, %.1f inserts, %.1f updates, %.1f deletes, %.1f KiB of growth; WAL of its server %.1f KiB",
		name, per(now.transactions, l.transactions), per(now.inserts, l.inserts), per(now.updates, l.updates),
		per(now.deletes, l.deletes), per(now.size, l.size)/1024, per(now.wal, l.wal)/1024)
	if now.transactions == l.transactions || now.wal == l.wal {
		t.Errorf("%s: nothing was written", name)
	}
	l.tables(t, resets)
}

// tables says which tables that went into.
func (l *ledger) tables(t *testing.T, resets float64) {
	t.Helper()
	rows, err := l.Query(t.Context(), `SELECT schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
		WHERE n_tup_ins + n_tup_upd + n_tup_del > $1 ORDER BY n_tup_ins + n_tup_upd + n_tup_del DESC`, resets/2)
	if err != nil {
		t.Fatal(err)
	}
	var table string
	var ins, upd, del float64
	if _, err := pgx.ForEachRow(rows, []any{&table, &ins, &upd, &del}, func() error {
		t.Logf("  %-32s %5.1f inserts %5.1f updates %5.1f deletes", table, ins/resets, upd/resets, del/resets)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// history reports the lengths of the histories and their content: the first one stands for all.
func (f *fleet) history(t *testing.T, people []*person) {
	t.Helper()
	accounts := f.accountKeys(t)
	var events, bytes int64
	for _, p := range people {
		d, err := f.temporal.DescribeWorkflowExecution(t.Context(), workflow.ResetPassword.ID(accounts.Key(p.Address)), "")
		if err != nil {
			t.Fatal(err)
		}
		events += d.GetWorkflowExecutionInfo().GetHistoryLength()
		bytes += d.GetWorkflowExecutionInfo().GetHistorySizeBytes()
	}
	n := float64(len(people))
	t.Logf("history of a reset: %.1f events, %.1f KiB", float64(events)/n, float64(bytes)/n/1024)
	kinds := map[string]int{}
	for it := f.temporal.GetWorkflowHistory(t.Context(), workflow.ResetPassword.ID(accounts.Key(people[0].Address)), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		kinds[event.GetEventType().String()]++
	}
	t.Logf("  the first one: %v", kinds)
}

// accountKeys name the runs.
func (f *fleet) accountKeys(t *testing.T) *keys.AccountKeys {
	t.Helper()
	accounts, err := keys.Open(f.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}
