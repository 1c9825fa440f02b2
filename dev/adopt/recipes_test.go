package adopt

import (
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 17: each recipe ends the sessions of before, and the application's own code says so.
func TestRecipes(t *testing.T) {
	t.Parallel()
	for _, name := range postgres.Recipes() {
		if name == "flowfuse" {
			continue // dev/flowfuse has it
		}
		app, ok := applications[name]
		if !ok {
			t.Errorf("no application judges the recipe %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) { app.adopts(t, name) })
	}
}

// applications judge recipes, by name.
var applications = map[string]application{
	// A session of Django holds a keyed hash of the stored one, and ends with it.
	"django": {
		page:  "django",
		start: program(has("python3-django with python3-psycopg2", "-c", "import django, psycopg2", "/usr/bin/python3", "python3"), "django_app.py"),
		furnish: `UPDATE auth_user SET is_active = false WHERE email = 'carol@example.com';
			UPDATE auth_user SET password = '!' || repeat('x', 40) WHERE email = 'dave@example.com'`, // as set_unusable_password
		withheld: map[string]string{"carol@example.com": "disabled", "dave@example.com": "not_resettable"},
		hidden:   []string{"auth_user", "django_session"},
	},
	// A session is a row.
	"rails": {
		page:  "rails",
		start: program(has("ruby-activerecord with ruby-pg and ruby-bcrypt", "-e", "require 'active_record'; require 'pg'; require 'bcrypt'", "ruby"), "rails.rb"),
		stale: `UPDATE users SET updated_at = '2001-01-01'`,
		fresh: asserts(
			`(SELECT abs(extract(epoch FROM now() AT TIME ZONE 'UTC' - updated_at)) < 3600 FROM users WHERE email_address = 'alice@example.com')`,
			`(SELECT updated_at = '2001-01-01' FROM users WHERE email_address = 'bob@example.com')`,
			`(SELECT count(*) = 1 FROM sessions)`),
		hidden: []string{"users", "sessions"},
	},
	// A session of Devise, and its cookie that remembers, hold the beginning of the hash.
	"devise": {
		page:     "rails",
		start:    program(has("ruby-devise with ruby-activerecord and ruby-pg", "-e", "require 'active_record'; require 'pg'; require 'devise'", "ruby"), "devise.rb"),
		furnish:  `UPDATE users SET encrypted_password = '' WHERE email = 'dave@example.com'`, // as by OmniAuth alone
		withheld: map[string]string{"dave@example.com": "not_resettable"},
		stale: `UPDATE users SET reset_password_token = md5(email), reset_password_sent_at = now(), failed_attempts = 9,
			unlock_token = md5(email), locked_at = now() AT TIME ZONE 'UTC', updated_at = '2001-01-01' WHERE email = 'alice@example.com';
			UPDATE users SET reset_password_token = md5(email), failed_attempts = 3, updated_at = '2001-01-01' WHERE email = 'bob@example.com'`,
		fresh: asserts(
			`(SELECT reset_password_token IS NULL AND reset_password_sent_at IS NULL AND remember_created_at IS NULL FROM users WHERE email = 'alice@example.com')`,
			`(SELECT failed_attempts = 0 AND unlock_token IS NULL AND locked_at IS NULL FROM users WHERE email = 'alice@example.com')`,
			`(SELECT abs(extract(epoch FROM now() AT TIME ZONE 'UTC' - updated_at)) < 3600 FROM users WHERE email = 'alice@example.com')`,
			`(SELECT reset_password_token IS NOT NULL AND failed_attempts = 3 AND updated_at = '2001-01-01' FROM users WHERE email = 'bob@example.com')`),
		hidden: []string{"users"},
	},
	// A cookie of Laravel that remembers ends with remember_token, a session with its row.
	"laravel": {
		page: "laravel",
		start: program(has("php-pgsql with php-illuminate-auth, -hashing, -database, -session and -cookie", "-r",
			`foreach (["Auth", "Cookie", "Database", "Hashing", "Session"] as $part) require "Illuminate/$part/autoload.php";
			 exit(in_array("pgsql", PDO::getAvailableDrivers()) ? 0 : 1);`, "php"), "laravel.php"),
		stale: `UPDATE users SET updated_at = '2001-01-01';
			INSERT INTO password_reset_tokens (email, token) SELECT email, md5(email) FROM users`,
		fresh: asserts(
			`(SELECT remember_token IS NULL AND abs(extract(epoch FROM now() AT TIME ZONE 'UTC' - updated_at)) < 3600 FROM users WHERE email = 'alice@example.com')`,
			`(SELECT remember_token IS NOT NULL AND updated_at = '2001-01-01' FROM users WHERE email = 'bob@example.com')`,
			`(SELECT array_agg(email) = '{bob@example.com}' FROM password_reset_tokens)`,
			`(SELECT count(*) = 1 FROM sessions WHERE user_id IS NOT NULL)`),
		hidden: []string{"users", "sessions", "password_reset_tokens"},
	},
	// A session is a row. The application is that of dev/hosts.
	"better-auth": {
		page: "better-auth",
		start: func(t *testing.T, p *place) func(request) answer {
			t.Helper()
			args, dir, env := []string{suite.Program(t, "node", "nodejs"), "app.mjs"}, process.NPM(t, "../hosts/testdata"), p.env(t)
			return func(asked request) (a answer) {
				process.Ask(t, dir, env, args, asked, &a)
				return a
			}
		},
		furnish: `UPDATE account SET "providerId" = 'github', password = NULL FROM "user" u
			WHERE u.id = "userId" AND u.email = 'dave@example.com'; -- as by social sign-in alone
			UPDATE "user" SET banned = true WHERE email = 'carol@example.com'`,
		withheld: map[string]string{"carol@example.com": "disabled", "dave@example.com": "no_account"},
		stale: `UPDATE account SET "updatedAt" = '2001-01-01';
			UPDATE "user" SET banned = true, "banExpires" = now() - interval '1 day' WHERE email = 'alice@example.com'`,
		fresh: asserts(
			`(SELECT abs(extract(epoch FROM now() - a."updatedAt")) < 3600 FROM account a JOIN "user" u ON u.id = a."userId" WHERE u.email = 'alice@example.com')`,
			`(SELECT bool_and(a."updatedAt" = '2001-01-01') FROM account a JOIN "user" u ON u.id = a."userId" WHERE u.email <> 'alice@example.com')`,
			`NOT EXISTS (SELECT FROM session s JOIN "user" u ON u.id = s."userId" WHERE u.email = 'alice@example.com')`),
		hidden: []string{`"user"`, "account", "session"},
	},
	// A session of Supabase ends with its row, which its refresh tokens go with. Tokens that GoTrue
	// has mailed end too.
	"supabase": {
		page:  "supabase",
		start: startSupabase,
		furnish: `UPDATE auth.users SET banned_until = now() + interval '1 day' WHERE email = 'carol@example.com';
			UPDATE auth.users SET is_sso_user = true WHERE email = 'dave@example.com';
			UPDATE auth.users SET banned_until = now() - interval '1 day' WHERE email = 'alice@example.com'`,
		withheld: map[string]string{"carol@example.com": "disabled", "dave@example.com": "not_resettable"},
		stale: `UPDATE auth.users SET recovery_token = md5(email), recovery_sent_at = now(), reauthentication_token = md5(email),
			email_change_token_new = md5(email || '1'), email_change_token_current = md5(email || '2'), updated_at = '2001-01-01';
			UPDATE auth.users SET email_confirmed_at = NULL WHERE email = 'alice@example.com';
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
	},
}
