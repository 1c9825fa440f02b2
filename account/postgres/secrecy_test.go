package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func entry() account.Entry {
	return account.Entry{At: noon, Event: account.EventMailWithheld, Run: "run", Detail: "no account"}
}

// shown is an error in every way that it could get into a log.
func shown(err error) string {
	var text strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&text, "%v %+v %#v ", err, err, err)
	}
	return text.String()
}

// security 11: the server's error texts quote the row that breaks a constraint, or the text of
// a trigger. Errors of this package hold only the SQLSTATE.
func TestServerIsNotQuoted(t *testing.T) {
	t.Parallel()
	for what, broken := range map[string]string{
		"check": `ALTER TABLE rekey.accounts ADD CHECK (credential NOT LIKE '%new')`,
		"unique": `CREATE TABLE public.log (hash text UNIQUE); INSERT INTO public.log VALUES ('$argon2id$new');
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (NEW.credential); RETURN NEW; END $$;
			CREATE TRIGGER t BEFORE UPDATE ON rekey.accounts FOR EACH ROW EXECUTE FUNCTION f()`,
		"raise": `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not % of %', NEW.credential, NEW.address
				USING DETAIL = NEW.address, HINT = NEW.credential; END $$;
			CREATE TRIGGER t BEFORE UPDATE ON rekey.accounts FOR EACH ROW EXECUTE FUNCTION f()`,
		"too long": `ALTER TABLE rekey.accounts ALTER credential TYPE varchar(13)`,
	} {
		url := migrated(t)
		s := openAt(t, url)
		must(t, s.Put(t.Context(), ann()))
		token := tokenOf(ann(), 1)
		must(t, issue(t.Context(), s, token, 1))
		postgrestest.Exec(t, url, broken)
		change := changeBy(token)
		change.Hash += "er"
		if what != "too long" {
			change.Hash = "$argon2id$new"
		}
		_, err := s.ChangePassword(t.Context(), change)
		state, ok := errors.AsType[*postgres.Error](err)
		if !ok || len(state.Code) != 5 {
			t.Errorf("%s: %v, want a SQLSTATE", what, err)
		}
		for _, leak := range []string{"@", "argon2id", "credential", "accounts"} {
			if strings.Contains(shown(err), leak) {
				t.Errorf("%s: %s holds %q", what, shown(err), leak)
			}
		}
		got, err := s.Account(t.Context(), "ann")
		must(t, err)
		if got.Credential != ann().Credential {
			t.Errorf("%s: the password was changed", what)
		}
	}
}

// A trigger that swallows the update would leave the old password and say it was changed.
func TestUpdateThatDoesNothing(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAt(t, url)
	must(t, s.Put(t.Context(), ann()))
	must(t, issue(t.Context(), s, tokenOf(ann(), 1), 1))
	postgrestest.Exec(t, url, `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
		CREATE TRIGGER t BEFORE UPDATE ON rekey.accounts FOR EACH ROW EXECUTE FUNCTION f()`)
	if _, err := s.ChangePassword(t.Context(), changeBy(tokenOf(ann(), 1))); err == nil || !strings.Contains(err.Error(), "trigger") {
		t.Errorf("error %v", err)
	}
}

// Values of a foreign kind are a fault, and are not quoted either.
func TestBrokenValues(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAt(t, url)
	must(t, s.Put(t.Context(), ann()))
	must(t, issue(t.Context(), s, tokenOf(ann(), 1), 1))
	postgrestest.Exec(t, url, `ALTER TABLE rekey.tokens ALTER credential TYPE text USING 'ann@example.com'`)
	_, err := s.ChangePassword(t.Context(), changeBy(tokenOf(ann(), 1)))
	if err == nil || errors.Is(err, account.ErrRefused) && !errors.Is(err, account.ErrCredentialChanged) || strings.Contains(shown(err), "@") {
		t.Errorf("error %v", err)
	}
}

// A worker without the right to change the audit log cannot change it.
func TestWorkerMayOnlyAddToTheAuditLog(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAs(t, url, `GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.accounts, rekey.sessions, rekey.tokens, rekey.mails, rekey.begun, rekey.submissions TO $user;
		GRANT INSERT ON rekey.audit TO $user; GRANT SELECT ON rekey.goose_db_version TO $user`)
	must(t, openAt(t, url).Put(t.Context(), ann()))
	token := tokenOf(ann(), 1)
	must(t, issue(t.Context(), s, token, 1))
	must(t, s.Record(t.Context(), entry()))
	_, err := s.ChangePassword(t.Context(), changeBy(token))
	must(t, err)
	_, err = s.Sweep(t.Context(), noon)
	must(t, err)
}

// openAs opens a store as a user that has some permissions only.
func openAs(t *testing.T, url, grants string) *postgres.Store {
	t.Helper()
	s, err := tryAs(t, url, nil, grants)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// databaseOf is the name of a test's database.
func databaseOf(url string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres:///"), "?")
	return name
}

// roleOf is the user of tryAs.
func roleOf(url string) string { return "u" + databaseOf(url) }

func tryAs(t *testing.T, url string, users *postgres.Users, grants string) (*postgres.Store, error) {
	t.Helper()
	user := roleOf(url)
	postgrestest.Exec(t, url, strings.ReplaceAll("DO $do$ BEGIN CREATE ROLE $user LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $do$; GRANT USAGE ON SCHEMA rekey TO $user;"+grants, "$user", user))
	return postgres.Open(context.WithoutCancel(t.Context()), postgres.Config{URL: strings.Replace(url, "user=postgres", "user="+user, 1), Users: users})
}

// The start names the permission that is missing.
func TestMissingGrants(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	for _, step := range []struct{ grant, lacks string }{
		{"", "SELECT ON rekey.goose_db_version"},
		{"GRANT SELECT ON rekey.goose_db_version TO $user", "GRANT SELECT on the columns of"},
		{"GRANT SELECT ON rekey.accounts TO $user", "GRANT UPDATE on the columns of"},
		{"GRANT UPDATE (credential) ON rekey.accounts TO $user", "Users.Sessions"},
		{"GRANT SELECT, DELETE ON rekey.sessions TO $user", "GRANT SELECT ON rekey.tokens, INSERT ON rekey.tokens, UPDATE ON rekey.tokens, DELETE ON rekey.tokens, SELECT ON rekey.mails"},
		{"GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.mails, rekey.begun, rekey.submissions TO $user", "GRANT INSERT ON rekey.audit"},
		{"GRANT INSERT ON rekey.audit TO $user", ""},
	} {
		s, err := tryAs(t, url, nil, step.grant)
		if err == nil {
			must(t, s.Close())
		}
		if (err == nil) != (step.lacks == "") || err != nil && !strings.Contains(err.Error(), step.lacks) {
			t.Errorf("%s: %v, want %q", step.grant, err, step.lacks)
		}
		if refused, ok := errors.AsType[*postgres.Error](err); err != nil && (!ok || refused.Code != "42501") {
			t.Errorf("%s: %v is no *Error of the code 42501", step.grant, err)
		}
	}
}
