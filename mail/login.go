package mail

import (
	"context"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// refusedLogin is the reply to credentials that the mail server does not take (RFC 4954
// section 6).
const refusedLogin = 535

// login authenticates rekey to a mail server. Its error is an [*Error].
type login func(*smtp.Client) error

// login is nil for a mail server that wants none. An access token is fetched before the
// connection: a mail server does not wait for it.
func (s *SMTP) login(ctx context.Context) (login, error) {
	if s.tokens != nil {
		token, err := s.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		return func(c *smtp.Client) error {
			err := prove(c, map[string]smtp.Auth{"XOAUTH2": smtp.XOAuth2Auth(s.config.Username, token)},
				"the mail server refuses the access token")
			if err != nil {
				s.tokens.forget(token)
			}
			return err
		}, nil
	}
	if s.config.Username == "" {
		return nil, nil //nolint:nilnil // no login is no fault
	}
	user, password := s.config.Username, s.config.Password
	return func(c *smtp.Client) error {
		return prove(c, map[string]smtp.Auth{
			"SCRAM-SHA-256": smtp.ScramSHA256Auth(user, password),
			"PLAIN":         smtp.PlainAuth("", user, password, s.config.Host, false),
			"LOGIN":         smtp.LoginAuth(user, password, s.config.Host, false),
		}, "the mail server refuses the user name or the password")
	}, nil
}

// mechanisms are the supported ones, the best first. A thief of an exchange of NTLM or CRAM-MD5
// learns the password.
func mechanisms() []string { return []string{"XOAUTH2", "SCRAM-SHA-256", "PLAIN", "LOGIN"} }

// prove logs in by the best way that the mail server offers.
func prove(c *smtp.Client, ways map[string]smtp.Auth, refused string) error {
	offered, list := c.Extension("AUTH")
	if !offered {
		return failed(stepLogin, nil, "the mail server offers no login")
	}
	for _, way := range mechanisms() {
		auth, ours := ways[way]
		if !ours || !slices.Contains(strings.Fields(list), way) {
			continue
		}
		err := c.Auth(auth)
		if err == nil {
			return nil
		}
		if code, _ := reply(err); code != refusedLogin {
			refused = ""
		}
		return failed(stepLogin, err, refused)
	}
	return failed(stepLogin, nil, "the mail server offers no login of the kind that is set")
}
