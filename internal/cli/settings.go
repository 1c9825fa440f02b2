package cli

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/usage"
	"github.com/rekeyhq/rekey/internal/webhook"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/web"
)

// check returns the faults of a command line whose parts are all known. Each command judges its
// own values.
func check(c *kong.Context) error {
	if err := usage.Unset(c); err != nil || c.Selected() == nil {
		return err
	}
	if own, ok := c.Selected().Target.Addr().Interface().(interface{ check() error }); ok {
		return own.check()
	}
	return nil
}

const (
	minLinkLife    = time.Minute
	maxLinkLife    = 24 * time.Hour // a link is a credential that lies in a mailbox
	minCoolDown    = time.Second
	minIdleTimeout = time.Second
	minAuditKeep   = 7 * 24 * time.Hour // a run may be open for days, and operators have to explain it
	maxHashes      = 64                 // of 19 MiB by default, and a thread each
	maxMinLength   = 64                 // a password of that length has to be allowed (NIST SP 800-63B-4)
)

// check refuses values that would be quietly replaced by others or make no sense.
func (s *starterCmd) check() error {
	if err := checkTimes(s.LinkLife, s.CoolDown); err != nil {
		return err
	}
	switch {
	case s.MinLength < password.MinLengthWithMFA || s.MinLength > maxMinLength:
		return fmt.Errorf("--min-length ($REKEY_PASSWORD_MIN_LENGTH): want %d to %d, not %d", password.MinLengthWithMFA, maxMinLength, s.MinLength)
	case s.ClientLimit < 0:
		return fmt.Errorf("--client-limit ($REKEY_CLIENT_LIMIT): want 0 or more, not %d", s.ClientLimit)
	case s.StartLimit < 0:
		return fmt.Errorf("--start-limit ($REKEY_START_LIMIT): want 0 or more, not %d", s.StartLimit)
	case s.Hashes < 0 || s.Hashes > maxHashes:
		return fmt.Errorf("--hashes ($REKEY_HASHES): want 0 to %d, not %d; more starters hash more", maxHashes, s.Hashes)
	case s.BreachedFail == "closed" && s.BreachedURL == "": // the operator counts on a check that is off
		return errors.New("--breached-fail ($REKEY_BREACHED_FAIL): closed needs --breached-url ($REKEY_BREACHED_URL)")
	case s.IdleTimeout < minIdleTimeout:
		return fmt.Errorf("--idle-timeout ($REKEY_IDLE_TIMEOUT): want 1s or more, such as 620s, not %s", s.IdleTimeout)
	}
	return cmp.Or(checkLife("--invite-life ($REKEY_INVITE_LIFE)", s.InviteLife), checkLife("--forced-life ($REKEY_FORCED_LIFE)", s.ForcedLife), s.checkURLs())
}

// checkLife judges the life of a link whose reader did not ask for it.
func checkLife(setting string, life time.Duration) error {
	if life < backend.MinLife || life > backend.MaxLife {
		return fmt.Errorf("%s: want 1h to 168h, not %s", setting, life)
	}
	return nil
}

func (s *starterCmd) checkURLs() error {
	if err := web.CheckLoginURL(s.LoginURL); err != nil {
		return fmt.Errorf("--login-url ($REKEY_LOGIN_URL): %w", err)
	}
	if err := s.baseFlag.check(); err != nil {
		return err
	}
	if s.ChangePasswordURL != "" {
		if err := web.CheckChangePasswordURL(s.ChangePasswordURL, s.base); err != nil {
			return fmt.Errorf("--change-password-url ($REKEY_CHANGE_PASSWORD_URL): %w", err)
		}
	}
	return cmp.Or(checkListen("--listen ($REKEY_LISTEN)", s.Listen), s.backendFlags.check(), s.opsFlags.check())
}

// checkListen judges an address to serve on; none is none.
func checkListen(setting, address string) error {
	if err := usage.Address(address); address != "" && err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	return nil
}

func (f opsFlags) check() error {
	return checkListen("--ops-listen ($REKEY_OPS_LISTEN)", f.OpsListen)
}

// checkTimes is for every command that starts runs.
func checkTimes(linkLife, coolDown time.Duration) error {
	switch {
	case linkLife < minLinkLife || linkLife > maxLinkLife:
		return fmt.Errorf("--link-life ($REKEY_LINK_LIFE): want 1m to 24h, not %s", linkLife)
	case coolDown < minCoolDown:
		return fmt.Errorf("--cool-down ($REKEY_COOL_DOWN): want 1s or more, not %s", coolDown)
	default:
		return nil
	}
}

func (w *workerCmd) check() error {
	return cmp.Or(w.checkBounds(), w.checkBuild(), w.baseFlag.check(), w.mailFlags.check(), w.storeFlags.check(), w.eventFlags.check(w.hostFlags), w.opsFlags.check())
}

func (w *workerCmd) checkBounds() error {
	switch {
	case w.MailLimit < 1:
		return fmt.Errorf("--mail-limit ($REKEY_MAIL_LIMIT): want 1 or more, not %d", w.MailLimit)
	case w.MaxLinkLife < minLinkLife || w.MaxLinkLife > maxLinkLife:
		return fmt.Errorf("--max-link-life ($REKEY_MAX_LINK_LIFE): want 1m to 24h, not %s", w.MaxLinkLife)
	case w.AuditKeep != 0 && w.AuditKeep < minAuditKeep:
		return fmt.Errorf("--audit-keep ($REKEY_AUDIT_KEEP): want 168h or more, or 0 for ever, not %s", w.AuditKeep)
	case w.MailRate < 0:
		return fmt.Errorf("--mail-rate ($REKEY_MAIL_RATE): want 0 or more, not %v", w.MailRate)
	default:
		return nil
	}
}

func (w *workerCmd) checkBuild() error {
	switch {
	case w.BuildID != "" && w.Deployment == "":
		return errors.New("--build-id ($REKEY_BUILD_ID): needs --deployment ($REKEY_DEPLOYMENT)")
	case strings.ContainsAny(w.Deployment, ".:"):
		return fmt.Errorf("--deployment ($REKEY_DEPLOYMENT): want a name without \".\" and \":\", not %s", w.Deployment)
	case !activities.Upgrade(w.UpgradeHash).Valid():
		return fmt.Errorf("--upgrade-hash ($REKEY_UPGRADE_HASH): want argon2id or bcrypt, not %s", w.UpgradeHash)
	default:
		return nil
	}
}

func (m *mailFlags) check() error {
	if err := m.checkLogin(); err != nil {
		return err
	}
	switch {
	case m.SignInURL != "" && !isURL(m.SignInURL, loopback.Web):
		return errors.New("--login-url ($REKEY_LOGIN_URL): want a URL such as https://app.example.com/login, for the mails")
	case m.MailURL != "" || m.Host == "" || m.MailSecret != "":
		return m.checkURL()
	case !isHost(m.Host):
		return errors.New("--smtp-host ($REKEY_SMTP_HOST): want a name or an IP address, such as mail.example.com; --smtp-port ($REKEY_SMTP_PORT) has the port")
	case m.Port < 1 || m.Port > 65535:
		return fmt.Errorf("--smtp-port ($REKEY_SMTP_PORT): want 1 to 65535, not %d", m.Port)
	case m.Security == string(mail.SecurityNone) && !loopback.Is(m.Host):
		return errors.New("--smtp-security ($REKEY_SMTP_SECURITY): none is for loopback only, because a link in a mail needs encryption: use starttls or tls")
	}
	return m.checkSMTP()
}

// checkURL wants a URL or a mail server, and refuses settings of one beside the other, which would
// not be used.
func (m *mailFlags) checkURL() error {
	switch {
	case m.Host == "" && m.MailURL == "":
		return errors.New("set --smtp-host ($REKEY_SMTP_HOST) or --mail-url ($REKEY_MAIL_URL), where mails go")
	case m.MailURL == "":
		return errors.New("--mail-secret-file ($REKEY_MAIL_SECRET_FILE): want a --mail-url ($REKEY_MAIL_URL) that it signs for")
	case m.Host+m.Username+m.SMTPPassword+m.Helo+m.TokenURL != "":
		return errors.New("--mail-url ($REKEY_MAIL_URL): want it or the settings of a mail server (--smtp-...), not both")
	case m.MailSecret == "":
		return errors.New("--mail-url ($REKEY_MAIL_URL): needs --mail-secret-file ($REKEY_MAIL_SECRET_FILE)")
	}
	// A secret that is well-formed, so that the errors are about the URL and the sender.
	placeholder := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	_, err := mail.NewHTTP(m.MailURL, placeholder, m.From)
	switch {
	case errors.Is(err, webhook.ErrURL), errors.Is(err, webhook.ErrClear):
		return fmt.Errorf("--mail-url ($REKEY_MAIL_URL): %w", err)
	case err != nil:
		return fmt.Errorf("--from ($REKEY_FROM): %w", err)
	}
	return nil
}

// checkSMTP returns the refusals of the mail's own package.
func (m *mailFlags) checkSMTP() error {
	config := m.config()
	if _, err := mail.NewSMTP(config); err != nil { // all but the sender is checked above
		return fmt.Errorf("--from ($REKEY_FROM): %w", err)
	}
	if config.Hello = m.Helo; m.Helo != "" {
		if _, err := mail.NewSMTP(config); err != nil {
			return fmt.Errorf("--smtp-helo ($REKEY_SMTP_HELO): %w", err)
		}
	}
	return nil
}

// checkLogin refuses settings of which one would not be used.
func (m *mailFlags) checkLogin() error {
	if m.TokenURL == "" {
		if m.ClientID+m.Scope+m.ClientSecret+m.RefreshToken != "" {
			return errors.New("--smtp-oauth-token-url ($REKEY_SMTP_OAUTH_TOKEN_URL): the other settings of an access token need it")
		}
		return nil
	}
	switch {
	case m.Username == "" || m.SMTPPassword != "":
		return errors.New("--smtp-oauth-token-url ($REKEY_SMTP_OAUTH_TOKEN_URL): needs --smtp-username ($REKEY_SMTP_USERNAME) and no password")
	case m.ClientID == "" || m.ClientSecret == "" && m.RefreshToken == "":
		return errors.New("--smtp-oauth-token-url ($REKEY_SMTP_OAUTH_TOKEN_URL): needs --smtp-oauth-client-id ($REKEY_SMTP_OAUTH_CLIENT_ID), and --smtp-oauth-secret-file ($REKEY_SMTP_OAUTH_SECRET_FILE) or --smtp-oauth-refresh-file ($REKEY_SMTP_OAUTH_REFRESH_FILE)")
	case !isURL(m.TokenURL, loopback.Sealed):
		return errors.New("--smtp-oauth-token-url ($REKEY_SMTP_OAUTH_TOKEN_URL): must be https, because a secret is sent there")
	default:
		return nil
	}
}

// baseFlag is the base URL of starters and workers.
type baseFlag struct {
	BaseURL string `required:"" name:"base-url" env:"REKEY_BASE_URL" help:"URL of the pages, as in the mailed links: https://accounts.example.com."`

	base link.BaseURL // set by check
}

// check reads the base URL. It refuses one whose links would travel in clear.
func (f *baseFlag) check() error {
	base, err := link.ParseBaseURL(f.BaseURL)
	switch {
	case err != nil:
		return fmt.Errorf("--base-url ($REKEY_BASE_URL): %w", err)
	case !loopback.Sealed(base.URL()):
		return errors.New("--base-url ($REKEY_BASE_URL): must be https, because mailed links begin with it")
	}
	f.base = base
	return nil
}

// isHost reports that a text can be a host without scheme, port and path.
func isHost(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil || !strings.ContainsAny(text, ":/@ ")
}

// isURL reports that a text is a URL of a kind.
func isURL(text string, of func(*url.URL) bool) bool {
	u, err := url.Parse(text)
	return err == nil && of(u)
}
