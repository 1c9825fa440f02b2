package mysql

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/mariadbtest"
)

// users makes an application with IDs of a type, of which some are given and the rest are numbers.
func users(t *testing.T, kind, insert string) *Host {
	t.Helper()
	app, name := mariadbtest.Database(t, "CREATE TABLE users (id "+kind+" PRIMARY KEY, email VARCHAR(254), pw VARCHAR(255)) COLLATE utf8mb4_general_ci",
		"CREATE TABLE sessions (user_id "+kind+") COLLATE utf8mb4_general_ci",
		"CREATE VIEW rekey_users AS SELECT id, email AS address, pw AS credential FROM users", "CREATE VIEW rekey_sessions AS SELECT user_id FROM sessions",
		"CREATE USER IF NOT EXISTS rekey")
	mariadbtest.Exec(t, app, "GRANT SELECT, UPDATE (credential) ON rekey_users TO rekey", "GRANT SELECT, DELETE ON rekey_sessions TO rekey", insert)
	h, err := Open(t.Context(), "mysql://rekey@/"+name+"?socket="+strings.ReplaceAll(mariadbtest.Socket(), "/", "%2F"), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// read is how many rows this connection has read so far.
func read(t *testing.T, h *Host) (rows int) {
	t.Helper()
	found, err := h.db.QueryContext(t.Context(), "SHOW SESSION STATUS WHERE Variable_name IN ('Handler_read_next', 'Handler_read_first', 'Handler_read_key', 'Handler_read_rnd', 'Handler_read_prev')")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var name string
		var n int
		if err := found.Scan(&name, &n); err != nil {
			t.Fatal(err)
		}
		rows += n
	}
	return rows
}

// A page of a large table reads its own rows and no others, wherever it is.
func TestPagesReadTheirRows(t *testing.T) {
	t.Parallel()
	for kind, last := range map[string]string{"BIGINT": "49000", "VARCHAR(64)": "95000", "UUID": "00000000-0000-0000-0000-000000049000"} {
		insert := "INSERT users (id, email) SELECT seq, CONCAT(seq, '@example.com') FROM seq_1_to_50000"
		if kind == "UUID" {
			insert = "INSERT users (id, email) SELECT CONCAT('00000000-0000-0000-0000-', LPAD(seq, 12, '0')), CONCAT(seq, '@example.com') FROM seq_1_to_50000"
		}
		h := users(t, kind, insert)
		h.db.SetMaxOpenConns(1) // whose counters are read
		scanned := func() (n int) {
			var name string
			if err := h.db.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE 'Handler_read_rnd_next'").Scan(&name, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		for _, after := range []string{"", last} {
			before, scan := read(t, h), scanned()
			page, err := h.Accounts(t.Context(), after, 100)
			scan = scanned() - scan
			if rows := read(t, h) - before; err != nil || len(page) != 100 || rows > 400 || scan > 2000 {
				t.Errorf("%s after %q: %d accounts, %d rows by an index, %d others, %v", kind, after, len(page), rows, scan, err)
			}
		}
	}
}

// Pages follow the order of the column's type, and not that of its text.
func TestPagesOfTypes(t *testing.T) {
	t.Parallel()
	for kind, ids := range map[string][]string{
		"BIGINT UNSIGNED":                  {"9", "10", "9007199254740992", "9007199254740993", "18446744073709551615"},
		"VARCHAR(30)":                      {"10", "9", "a", "B", "c"},
		"VARCHAR(30) CHARACTER SET latin1": {"10", "9", "a", "B", "c"},
		"VARCHAR(30) COLLATE utf8mb4_bin":  {"10", "9", "B", "a", "b"},
		"UUID":                             {"00000000-0000-0000-0000-000000000009", "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310", "f0000000-0000-1000-8000-000000000000"},
		"DECIMAL(20,0)":                    {"9", "10", "12345678901234567890"},
		"CHAR(36) CHARACTER SET ascii":     {"0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310", "f0000000-0000-0000-0000-000000000000"},
	} {
		h := users(t, kind, "INSERT users (id) VALUES ('"+strings.Join(ids, "'), ('")+"')")
		for limit := range len(ids) + 1 {
			var got []string
			for after := ""; len(got) < 100; after = got[len(got)-1] {
				page, err := h.Accounts(t.Context(), after, limit+1)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if len(page) == 0 {
					break
				}
				for _, a := range page {
					got = append(got, a.ID)
				}
			}
			slices.Sort(got)
			if want := slices.Sorted(slices.Values(ids)); !slices.Equal(got, want) {
				t.Errorf("%s: pages of %d list %q, want %q", kind, limit+1, got, want)
			}
		}
	}
	if _, err := users(t, "BIGINT", "INSERT users (id) VALUES (1)").Accounts(t.Context(), "of another table", 1); err == nil {
		t.Error("the ID of another table is taken for a number")
	}
}
