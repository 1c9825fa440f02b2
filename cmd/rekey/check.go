package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/password"
)

// usage turns what is wrong with a command line into what to do about it.
func usage(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil {
		return err
	}
	if strings.HasPrefix(err.Error(), "missing flags:") {
		return unset(parse.Context)
	}
	return fmt.Errorf("%w; see `%s`", err, help(parse.Context))
}

// unset names the required flags that have no value. An empty variable, which is a
// value to kong, is what Compose makes of one that is missing.
func unset(c *kong.Context) error {
	if c.Selected() == nil {
		return nil
	}
	var flags []string
	for _, f := range c.Selected().Flags {
		if f.Required && f.Target.IsZero() {
			flags = append(flags, fmt.Sprintf("--%s ($%s)", f.Name, f.Envs[0]))
		}
	}
	if len(flags) == 0 {
		return nil
	}
	return fmt.Errorf("set %s; see `%s`", strings.Join(flags, ", "), help(c))
}

func help(c *kong.Context) string {
	if c.Selected() == nil {
		return c.Model.Name + " --help"
	}
	return c.Selected().FullPath() + " --help"
}

const (
	minLinkLife  = time.Minute
	maxLinkLife  = 24 * time.Hour // a link is a credential that lies in a mailbox
	minCoolDown  = time.Second
	maxHashes    = 64 // of 19 MiB and a thread each
	maxMinLength = 64 // a password of so many has to be allowed (NIST SP 800-63B-4)
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
	case s.Hashes < 0 || s.Hashes > maxHashes:
		return fmt.Errorf("--hashes ($REKEY_HASHES): want 0 to %d, not %d; more starters hash more", maxHashes, s.Hashes)
	case s.BreachedFail == "closed" && s.BreachedURL == "": // somebody counts on a check that is off
		return errors.New("--breached-fail ($REKEY_BREACHED_FAIL): closed needs --breached-url ($REKEY_BREACHED_URL)")
	}
	return checkBaseURL(s.BaseURL)
}

// checkTimes is for whatever starts runs.
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
	switch {
	case w.MailLimit < 1:
		return fmt.Errorf("--mail-limit ($REKEY_MAIL_LIMIT): want 1 or more, not %d", w.MailLimit)
	case w.BuildID != "" && w.Deployment == "":
		return errors.New("--build-id ($REKEY_BUILD_ID): needs --deployment ($REKEY_DEPLOYMENT)")
	case strings.ContainsAny(w.Deployment, ".:"):
		return fmt.Errorf("--deployment ($REKEY_DEPLOYMENT): want a name without \".\" and \":\", not %s", w.Deployment)
	}
	return checkBaseURL(w.BaseURL)
}

// checkBaseURL refuses a base URL that would mail links which travel in clear.
func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return errors.New("--base-url ($REKEY_BASE_URL): want an absolute URL such as https://accounts.example.com")
	}
	if u.Scheme != "https" && !loopback.Is(u.Host) {
		return errors.New("--base-url ($REKEY_BASE_URL): must be https, because links of mails begin with it")
	}
	return nil
}
