package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// ledgerStore is a file with two accounts and lines of the audit log about both.
func ledgerStore(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "accounts.db")
	change(t, path, func(s *bolt.Store) error {
		for _, id := range []string{"ann", "bob"} {
			if err := s.Put(t.Context(), account.Account{ID: id, Address: id + "@example.com", Resettable: true}); err != nil {
				return err
			}
			line := account.Entry{
				At: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), Event: account.EventMailIssued,
				Run: "run of " + id, AccountID: id, Client: "203.0.113.7",
			}
			if err := s.Record(t.Context(), line); err != nil {
				return err
			}
		}
		return nil
	})
	return path
}

// change opens a file for a moment.
func change(t *testing.T, path string, do func(*bolt.Store) error) {
	t.Helper()
	s, err := bolt.Open(path)
	if err == nil {
		err = do(s)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	store := []string{"--store", ledgerStore(t)}
	anns := "2026-01-02T12:00:00Z  mail_issued  ann      run of ann  203.0.113.7  -\n"
	for args, want := range map[string][2]string{
		"":                                   {"run of ann", "run of bob"},
		"ann@example.com":                    {anns, ""},
		"--account ann --since 2026-01-02":   {anns, ""},
		"--account ann --until 2026-01-02":   {"TIME", ""},
		"--last 1":                           {"run of bob", ""},
		"--event password_changed":           {"TIME", ""},
		"--json --account bob --since 1000h": {"[", ""},
	} {
		out := okay(t, append(append([]string{"audit"}, store...), strings.Fields(args)...)...)
		if !strings.Contains(out, want[0]) || !strings.Contains(out, want[1]) || strings.Contains(args, "ann") && strings.Contains(out, "bob") {
			t.Errorf("audit %s:\n%s", args, out)
		}
	}
	if got := okay(t, append([]string{"audit", "--json", "--account", "ann"}, store...)...); !strings.Contains(got, `"account_id": "ann"`) {
		t.Errorf("JSON: %s", got)
	}
	refused(t, append([]string{"audit", "eve@example.com"}, store...), "no account has this address", "--account")
	wrong(t, append([]string{"audit", "--since", "yesterday"}, store...), "--since ($REKEY_AUDIT_SINCE)", "2026-01-31")
	wrong(t, append([]string{"audit", "--last=-1"}, store...), "--last ($REKEY_AUDIT_LAST)")
}

// A running worker has the file to itself.
func TestAuditOfAFileInUse(t *testing.T) {
	t.Parallel()
	path := ledgerStore(t)
	change(t, path, func(*bolt.Store) error {
		refused(t, []string{"audit", "--store", path}, "--store ($REKEY_STORE)", "another process has this bbolt file open")
		return nil
	})
}

func TestForget(t *testing.T) {
	t.Parallel()
	path := ledgerStore(t)
	args := []string{"forget", "--store", path, "--as", "a.smith", "--yes", "ann"}
	if err := refused(t, args, "the account still exists"); status(err) != exitRefused {
		t.Errorf("status %d", status(err))
	}
	change(t, path, func(s *bolt.Store) error { return s.Delete(t.Context(), "ann") })
	if got := okay(t, args...); !strings.Contains(got, "1 lines of the audit log") {
		t.Errorf("said: %s", got)
	}
	if got := okay(t, "audit", "--store", path); strings.Contains(got, "ann") || !strings.Contains(got, "run of bob") || !strings.Contains(got, "account_forgotten") {
		t.Errorf("audit log afterwards:\n%s", got)
	}
	wrong(t, []string{"forget", "--store", path, "--as", "a@example.com", "--yes", "ann"}, "--as ($REKEY_OPERATOR)")
}

// Nothing is deleted before the operator has typed the ID of the account.
func TestForgetAsks(t *testing.T) {
	t.Parallel()
	path := ledgerStore(t)
	change(t, path, func(s *bolt.Store) error { return s.Delete(t.Context(), "ann") })
	for typed, okay := range map[string]bool{"": false, "yes\n": false, "bob\n": false, "ann\n": true} {
		p := &process{stdin: strings.NewReader(typed), stderr: io.Discard}
		if err := confirm(p, "?", "ann"); (err == nil) != okay {
			t.Errorf("%q: %v", typed, err)
		}
	}
	f := forgetCmd{storeFlags: storeFlags{Store: path}, As: "a.smith", Account: "ann"}
	p := &process{ctx: t.Context(), stdin: strings.NewReader("no\n"), stderr: io.Discard, stdout: io.Discard}
	if err := f.Run(p); status(err) != exitRefused {
		t.Errorf("error %v", err)
	}
	if got := okay(t, "audit", "--store", path); !strings.Contains(got, "run of ann") {
		t.Errorf("audit log:\n%s", got)
	}
}

// security 24: every file of a secret is judged, also one that a library reads.
func TestSecretFilesAreForTheirOwner(t *testing.T) {
	open := secretFile(t, "s3cret-s3cret-s3cret-s3cret-s3cret-s3cret")
	mode(t, open, 0o644)
	const why = "others may read or change the file"
	refused(t, workerArgs(t, "--smtp-password-file", open, "--smtp-username", "rekey"), "--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE)", why)
	refused(t, codecArgs(t, "--bearer-file", open), "--bearer-file ($REKEY_BEARER_FILE)", why)
	refused(t, codecArgs(t, "--proxy-secret-file", open), "--proxy-secret-file ($REKEY_PROXY_SECRET_FILE)", why)
	const store = "postgres://rekey@127.0.0.1:1/app"
	codec := codecArgs(t, "--bearer-file", secretFile(t, strings.Repeat("s3cret-", 6)))
	refused(t, []string{"migrate", "--store", store, "--store-password-file", open}, "--store-password-file ($REKEY_STORE_PASSWORD_FILE)", why)
	refused(t, []string{"migrate", "--store", store + "?sslkey=" + open}, "sslkey of --store ($REKEY_STORE)", why)
	refused(t, []string{"migrate", "--store", store + "?passfile=" + open}, "passfile of --store ($REKEY_STORE)", why)
	for name, args := range map[string][]string{
		"PGPASSFILE": {"migrate", "--store", store}, "PGSSLKEY": {"migrate", "--store", store}, "TEMPORAL_TLS_CLIENT_KEY_PATH": {"setup"},
		"OTEL_EXPORTER_OTLP_CLIENT_KEY": codec, "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": codec,
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, open)
			refused(t, args, name, why)
		})
	}
}

// security 24: a service file of PostgreSQL may hold a password, so none is read.
func TestNoServiceFile(t *testing.T) {
	const store, why = "postgres://rekey@127.0.0.1:1/app", "a service file (service in the URL, or PGSERVICE) may hold an unchecked password"
	t.Setenv("PGSERVICEFILE", secretFile(t, "[app]\npassword=s3cret\nhost=127.0.0.2"))
	refused(t, []string{"migrate", "--store", store + "?service=app"}, why)
	refused(t, []string{"migrate", "--store", store}, "connection refused")
	t.Setenv("PGSERVICE", "app")
	refused(t, []string{"migrate", "--store", store}, why)
}

// security 24: also files in the home folder that no variable names. A missing file is no fault,
// nor one that this process may not open. A variable's file takes the place of the home folder's,
// and is judged.
func TestSecretFilesOfTheHomeFolder(t *testing.T) {
	const store, goesOn = "postgres://rekey@127.0.0.1:1/app", "connection refused"
	home := t.TempDir()
	t.Setenv("HOME", home)
	refused(t, []string{"migrate", "--store", store}, goesOn)
	if err := os.Mkdir(filepath.Join(home, ".postgresql"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".pgpass", ".postgresql/postgresql.key"} {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte("*:*:*:*:s3cret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		mode(t, path, 0o644)
		refused(t, []string{"migrate", "--store", store}, "~/"+name, "others may read or change the file")
		mode(t, path, 0o600)
		refused(t, []string{"migrate", "--store", store}, goesOn)
	}
	mode(t, filepath.Join(home, ".pgpass"), 0o644)
	refused(t, []string{"migrate", "--store", store + "?passfile=" + secretFile(t, "*:*:*:*:s3cret")}, goesOn)
	t.Setenv("HOME", os.DevNull)
	refused(t, []string{"migrate", "--store", store}, goesOn)
}

func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}
