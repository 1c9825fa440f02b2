package adopt

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// A session of Supabase ends with its row, which its refresh tokens go with. Tokens that GoTrue
// has mailed end too.
func TestSupabase(t *testing.T) {
	application{
		page: "supabase", recipe: "supabase", start: startGoTrue,
		furnish: `UPDATE auth.users SET banned_until = now() + interval '1 day' WHERE email = 'carol@example.com';
			UPDATE auth.users SET is_sso_user = true WHERE email = 'dave@example.com';
			UPDATE auth.users SET banned_until = now() - interval '1 day' WHERE email = 'alice@example.com'`,
		withheld: map[string]string{"carol@example.com": "disabled", "dave@example.com": "not_resettable"},
		stale: `UPDATE auth.users SET recovery_token = md5(email), recovery_sent_at = now(), reauthentication_token = md5(email),
			email_change_token_new = md5(email || '1'), email_change_token_current = md5(email || '2'), updated_at = '2001-01-01';
			INSERT INTO auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to)
			SELECT gen_random_uuid(), id, 'recovery_token', md5(email), email FROM auth.users`,
		fresh: asserts(
			`(SELECT recovery_token = '' AND recovery_sent_at IS NULL AND reauthentication_token = '' AND email_change_token_new = ''
				AND email_change_token_current = '' AND now() - updated_at < interval '1 hour' FROM auth.users WHERE email = 'alice@example.com')`,
			`(SELECT recovery_token <> '' AND updated_at = '2001-01-01' FROM auth.users WHERE email = 'bob@example.com')`,
			`NOT EXISTS (SELECT FROM auth.users JOIN auth.one_time_tokens o ON o.user_id = users.id WHERE email = 'alice@example.com')`,
			`EXISTS (SELECT FROM auth.users JOIN auth.one_time_tokens o ON o.user_id = users.id WHERE email = 'bob@example.com')`,
			`NOT EXISTS (SELECT FROM auth.users JOIN auth.refresh_tokens r ON r.user_id = users.id::text WHERE email = 'alice@example.com')`),
		hidden: []string{"auth.users", "auth.sessions", "auth.refresh_tokens", "auth.one_time_tokens"},
	}.adopts(t)
}

// startGoTrue builds Supabase's server of accounts from its module, as testdata/gotrue pins it, and
// runs it. The role app may do what Supabase's role postgres may.
func startGoTrue(t *testing.T, p *place) func(request) answer {
	t.Helper()
	program, source := goTrue(t, "tool", "-n", "auth"), goTrue(t, "list", "-m", "-f", "{{.Dir}}", "github.com/supabase/auth")
	postgrestest.Exec(t, p.sql, `CREATE ROLE supabase_auth_admin LOGIN; ALTER ROLE supabase_auth_admin SET search_path = auth;
		CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin; ALTER ROLE app BYPASSRLS`)
	_, port, _ := net.SplitHostPort(site.FreeAddr(t))
	env := []string{
		"GOTRUE_DB_DRIVER=postgres", "DB_NAMESPACE=auth", "DATABASE_URL=" + p.as("supabase_auth_admin"),
		"GOTRUE_DB_MIGRATIONS_PATH=" + filepath.Join(source, "migrations"), "GOTRUE_API_HOST=127.0.0.1", "PORT=" + port,
		"API_EXTERNAL_URL=http://127.0.0.1:" + port, "GOTRUE_SITE_URL=https://app.example.com", "GOTRUE_JWT_AUD=authenticated",
		"GOTRUE_JWT_SECRET=a secret of GoTrue's tokens, for a test", "GOTRUE_MAILER_AUTOCONFIRM=true", "GOTRUE_EXTERNAL_EMAIL_ENABLED=true",
	}
	if migrate := process.Start(t, program, env, "migrate"); migrate.Exit(t) != 0 {
		t.Fatal("GoTrue does not migrate")
	}
	postgrestest.Exec(t, p.sql, `GRANT USAGE ON SCHEMA auth TO app; GRANT ALL ON ALL TABLES IN SCHEMA auth TO app`)
	process.Start(t, program, env, "serve")
	api := goTrueAPI("http://127.0.0.1:" + port)
	process.Eventually(t, time.Minute, "GoTrue answers", func() bool {
		status, _ := api.ask(t, http.MethodGet, "/health", "", nil)
		return status == http.StatusOK
	})
	return func(asked request) answer { return api.answer(t, asked) }
}

// goTrue is the output of the go command in the module that pins GoTrue.
func goTrue(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	var says bytes.Buffer
	cmd.Dir, cmd.Stderr, cmd.Env = "testdata/gotrue", &says, append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %v: %v: %s", args, err, says.String())
	}
	return strings.TrimSpace(string(out))
}

// goTrueAPI is the URL of GoTrue's API.
type goTrueAPI string

// answer asks for what a client of Supabase does. The cookie is an access token, whose session
// GoTrue looks up.
func (api goTrueAPI) answer(t *testing.T, asked request) (a answer) {
	t.Helper()
	user := map[string]string{"email": asked.Email, "password": asked.Password}
	var found map[string]any
	switch asked.Do {
	case "signUp":
		if a.Status, found = api.ask(t, http.MethodPost, "/signup", "", user); a.Status != http.StatusOK {
			t.Fatalf("signup: %d %v", a.Status, found)
		}
	case "signIn":
		a.Status, found = api.ask(t, http.MethodPost, "/token?grant_type=password", "", user)
		a.Cookie, _ = found["access_token"].(string)
	case "session":
		if a.Status, found = api.ask(t, http.MethodGet, "/user", asked.Cookie, nil); a.Status == http.StatusOK {
			a.Email, _ = found["email"].(string)
		}
	}
	return a
}

func (api goTrueAPI) ask(t *testing.T, method, path, token string, body any) (status int, found map[string]any) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, string(api)+path, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil // it does not listen yet
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, resp.StatusCode, err)
	}
	return resp.StatusCode, found
}
