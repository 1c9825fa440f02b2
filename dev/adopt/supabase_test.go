package adopt

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// startSupabase makes the schema auth. The role app may do what Supabase's role postgres may. GoTrue
// itself does not run: supabase does what it does in the database.
func startSupabase(t *testing.T, p *place) func(request) answer {
	t.Helper()
	tables, err := os.ReadFile("testdata/supabase.sql")
	if err != nil {
		t.Fatal(err)
	}
	postgrestest.Exec(t, p.sql, `CREATE ROLE supabase_auth_admin LOGIN; CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
		ALTER ROLE app BYPASSRLS; GRANT USAGE ON SCHEMA auth TO app`)
	postgrestest.Exec(t, p.as("supabase_auth_admin"), string(tables)+`GRANT ALL ON ALL TABLES IN SCHEMA auth TO app`)
	conn, err := pgx.Connect(t.Context(), p.as("supabase_auth_admin"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return func(asked request) (a answer) {
		if err := (supabase{conn}).answer(t.Context(), asked, &a); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatalf("%s: %v", asked.Do, err)
		}
		return a
	}
}

// supabase asks the database what GoTrue asks. Its sign-in is bcrypt.CompareHashAndPassword
// (internal/crypto/password.go of supabase/auth), after FindUserByEmailAndAudience, IsBanned and
// IsConfirmed.
type supabase struct{ *pgx.Conn }

func (s supabase) answer(ctx context.Context, asked request, a *answer) error {
	switch asked.Do {
	case "signUp":
		hash, err := bcrypt.GenerateFromPassword([]byte(asked.Password), bcrypt.DefaultCost)
		if err != nil {
			return err
		}
		_, err = s.Exec(ctx, `INSERT INTO auth.users (instance_id, id, aud, email, encrypted_password, email_confirmed_at)
			VALUES ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), 'authenticated', $1, $2, now())`, asked.Email, string(hash))
		return err
	case "signIn":
		return s.signIn(ctx, asked, a)
	case "session":
		return s.QueryRow(ctx, `SELECT u.email FROM auth.refresh_tokens r JOIN auth.sessions s ON s.id = r.session_id
			JOIN auth.users u ON u.id::text = r.user_id WHERE r.token = $1 AND NOT r.revoked`, asked.Cookie).Scan(&a.Email)
	}
	return nil
}

func (s supabase) signIn(ctx context.Context, asked request, a *answer) error {
	var id, hash string
	a.Status = http.StatusBadRequest
	err := s.QueryRow(ctx, `SELECT id::text, encrypted_password FROM auth.users WHERE instance_id = '00000000-0000-0000-0000-000000000000' AND lower(email) = lower($1)
		AND aud = 'authenticated' AND is_sso_user = false AND email_confirmed_at IS NOT NULL AND (banned_until IS NULL OR banned_until <= now())`, asked.Email).Scan(&id, &hash)
	if err != nil || bcrypt.CompareHashAndPassword([]byte(hash), []byte(asked.Password)) != nil {
		return err
	}
	a.Status, a.Cookie = http.StatusOK, rand.Text()
	_, err = s.Exec(ctx, `WITH s AS (INSERT INTO auth.sessions (id, user_id) VALUES (gen_random_uuid(), $1) RETURNING id, user_id)
		INSERT INTO auth.refresh_tokens (token, user_id, revoked, session_id) SELECT $2, user_id::text, false, id FROM s`, id, a.Cookie)
	return err
}
