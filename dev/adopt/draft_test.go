package adopt

import "strings"

type draft struct{ view, update, more, sessions string }

var utc = `updated_at = now() AT TIME ZONE 'UTC'`

var drafts = map[string]draft{
	"django": {
		`SELECT id, email AS address, password AS credential, NOT is_active AS disabled, true AS resettable FROM auth_user`,
		`UPDATE auth_user SET password = NEW.credential WHERE id = OLD.id`, ``,
		`SELECT id AS user_id FROM auth_user WHERE false`,
	},
	"rails": {
		`SELECT id, email_address AS address, password_digest AS credential, false AS disabled, true AS resettable FROM users`,
		`UPDATE users SET password_digest = NEW.credential, ` + utc + ` WHERE id = OLD.id`, ``,
		`SELECT user_id FROM sessions`,
	},
	"devise": {
		`SELECT id, email AS address, encrypted_password AS credential, false AS disabled, true AS resettable FROM users`,
		`UPDATE users SET encrypted_password = NEW.credential, reset_password_token = NULL, reset_password_sent_at = NULL, remember_created_at = NULL,
		failed_attempts = 0, unlock_token = NULL, locked_at = NULL, ` + utc + ` WHERE id = OLD.id`, ``,
		`SELECT id AS user_id FROM users WHERE false`,
	},
	"laravel": {
		`SELECT id, email AS address, password AS credential, false AS disabled, true AS resettable FROM users`,
		`UPDATE users SET password = NEW.credential, remember_token = NULL, ` + utc + ` WHERE id = OLD.id`,
		`DELETE FROM password_reset_tokens WHERE email = OLD.address;`,
		`SELECT user_id FROM sessions`,
	},
	"supabase": {
		`SELECT id, email AS address, encrypted_password AS credential, coalesce(banned_until > now(), false) OR deleted_at IS NOT NULL AS disabled,
		NOT is_sso_user AND NOT is_anonymous AS resettable FROM auth.users`,
		`UPDATE auth.users SET encrypted_password = NEW.credential, confirmation_token = '', confirmation_sent_at = NULL, recovery_token = '',
		recovery_sent_at = NULL, email_change_token_current = '', email_change_token_new = '', email_change_sent_at = NULL,
		phone_change_token = '', phone_change_sent_at = NULL, reauthentication_token = '', reauthentication_sent_at = NULL,
		email_confirmed_at = coalesce(email_confirmed_at, now()), updated_at = now() WHERE id = OLD.id`,
		`DELETE FROM auth.one_time_tokens WHERE user_id = OLD.id;`,
		`SELECT user_id FROM auth.sessions`,
	},
	"better-auth": {
		`SELECT u.id, u.email AS address, a.password AS credential, false AS disabled, true AS resettable FROM "user" u
		JOIN account a ON a."userId" = u.id AND a."providerId" = 'credential'`,
		`UPDATE account SET password = NEW.credential, "updatedAt" = now() WHERE "userId" = OLD.id AND "providerId" = 'credential'`, ``,
		`SELECT "userId" AS user_id FROM session`,
	},
}

func (d draft) sql() string {
	return strings.NewReplacer("VIEW_", d.view, "UPDATE_", d.update, "MORE_", d.more, "SESSIONS_", d.sessions).Replace(`BEGIN;
DROP VIEW IF EXISTS rekey.users, rekey.user_sessions;
CREATE VIEW rekey.users AS VIEW_;
CREATE VIEW rekey.user_sessions AS SESSIONS_;
CREATE OR REPLACE FUNCTION rekey.set_credential() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE_;
	IF NOT FOUND THEN RETURN NULL; END IF;
	MORE_
	RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION rekey.set_credential() FROM PUBLIC;
CREATE TRIGGER set_credential INSTEAD OF UPDATE ON rekey.users FOR EACH ROW EXECUTE FUNCTION rekey.set_credential();
GRANT SELECT, UPDATE (credential) ON rekey.users TO rekey;
GRANT SELECT, DELETE ON rekey.user_sessions TO rekey;
GRANT USAGE ON SCHEMA rekey TO rekey;
GRANT SELECT ON rekey.goose_db_version TO rekey;
GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.submissions, rekey.begun TO rekey;
GRANT SELECT, INSERT, DELETE ON rekey.mails TO rekey;
GRANT INSERT, DELETE, SELECT (id, at) ON rekey.audit TO rekey;
COMMIT;`)
}

var draftFlags = strings.Fields(`--users-table rekey.users --email-column address --password-column credential
	--disabled-column disabled --resettable-column resettable --sessions-table rekey.user_sessions --sessions-user-column user_id`)
