package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/brand"
	"github.com/rekeyhq/rekey/internal/webhook"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/messages"
)

// mailFlags have the look of mails and their delivery.
type mailFlags struct {
	Product   string `required:"" env:"REKEY_PRODUCT" help:"Name of your product in mails."`
	Support   string `required:"" env:"REKEY_SUPPORT" help:"Support contact: a mail address or a URL."`
	SignInURL string `name:"login-url" env:"REKEY_LOGIN_URL" help:"URL of your sign-in."`
	Templates string `type:"path" env:"REKEY_TEMPLATES" help:"Folder of templates that replace the built-in ones, by file name."`
	Messages  string `type:"path" env:"REKEY_MESSAGES" help:"Folder of catalogues (sv.toml) that add a language or replace texts."`
	Brand     string `type:"path" env:"REKEY_BRAND" help:"Folder with the look of your application, brand.json and its files (docs/look.md)."`

	From         string `required:"" env:"REKEY_FROM" help:"Sender of the mails: no-reply@example.com."`
	MailURL      string `name:"mail-url" env:"REKEY_MAIL_URL" help:"Where your application takes mails and sends them as it likes (docs/mail.md), in place of --smtp-host: https://app.example.com/rekey/mails."`
	MailSecret   string `name:"mail-secret-file" type:"path" env:"REKEY_MAIL_SECRET_FILE" help:"File with the secrets of their signature, one a line: whsec_ and base64."`
	Host         string `name:"smtp-host" env:"REKEY_SMTP_HOST" help:"Mail server; this or --mail-url is required."`
	Port         int    `name:"smtp-port" default:"587" env:"REKEY_SMTP_PORT" help:"Its port."`
	Security     string `name:"smtp-security" enum:"starttls,tls,none" default:"starttls" env:"REKEY_SMTP_SECURITY" help:"Encryption: ${enum}; none is for loopback only."`
	Username     string `name:"smtp-username" env:"REKEY_SMTP_USERNAME" help:"User name, if the mail server needs one."`
	SMTPPassword string `name:"smtp-password-file" type:"path" env:"REKEY_SMTP_PASSWORD_FILE" help:"File with the password of that user."`
	Helo         string `name:"smtp-helo" env:"REKEY_SMTP_HELO" help:"Name in the SMTP greeting; default: the base URL's host."`

	TokenURL     string `name:"smtp-oauth-token-url" env:"REKEY_SMTP_OAUTH_TOKEN_URL" help:"Token endpoint, if the mail server needs an access token (XOAUTH2), not a password."`
	ClientID     string `name:"smtp-oauth-client-id" env:"REKEY_SMTP_OAUTH_CLIENT_ID" help:"Client ID there."`
	Scope        string `name:"smtp-oauth-scope" env:"REKEY_SMTP_OAUTH_SCOPE" help:"Scope of the access token."`
	ClientSecret string `name:"smtp-oauth-secret-file" type:"path" env:"REKEY_SMTP_OAUTH_SECRET_FILE" help:"File with the client secret."`
	RefreshToken string `name:"smtp-oauth-refresh-file" type:"path" env:"REKEY_SMTP_OAUTH_REFRESH_FILE" help:"File with a refresh token; without it, the client's own credentials are used."`

	watch func(line string) // see mail.Config
}

func (m *mailFlags) brand(base link.BaseURL) mail.Brand {
	return mail.Brand{Product: m.Product, Support: m.Support, SignInURL: m.SignInURL, ForgotURL: base.ForgotURL()}
}

func (m *mailFlags) templates(base link.BaseURL) (*mail.Templates, error) {
	texts, err := catalogue(m.Messages)
	if err != nil {
		return nil, err
	}
	look := m.brand(base)
	look.Messages = texts
	if look.Look, err = loadBrand(m.Brand); err != nil {
		return nil, err
	}
	templates, err := mail.Load(m.Templates, look)
	if err != nil && m.Templates != "" {
		err = fmt.Errorf("--templates ($REKEY_TEMPLATES) %s: %w", m.Templates, err)
	}
	return templates, err
}

// loadBrand reads the look of the application; none is that of rekey.
func loadBrand(dir string) (*brand.Brand, error) {
	if dir == "" {
		return &brand.Brand{}, nil
	}
	b, err := brand.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("--brand ($REKEY_BRAND) %s: %w", dir, err)
	}
	return b, nil
}

// catalogue reads the texts of pages and mails.
func catalogue(dir string) (*messages.Catalogue, error) {
	texts, err := messages.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("--messages ($REKEY_MESSAGES) %s: %w", dir, err)
	}
	return texts, nil
}

// mailer takes mails. Its Check says whether it can.
type mailer interface {
	activities.Mailer
	Check(ctx context.Context) error
}

func (m *mailFlags) mailer(base link.BaseURL) (mailer, error) {
	if m.MailURL != "" {
		return m.poster()
	}
	return m.smtp(base)
}

// poster hands mails to the application.
func (m *mailFlags) poster() (*mail.HTTP, error) {
	secrets, err := readSecret(m.MailSecret)
	if err != nil {
		return nil, fmt.Errorf("--mail-secret-file ($REKEY_MAIL_SECRET_FILE): %w", err)
	}
	poster, err := mail.NewHTTP(m.MailURL, secrets, m.From)
	switch {
	case errors.Is(err, webhook.ErrSecret):
		return nil, fmt.Errorf("--mail-secret-file ($REKEY_MAIL_SECRET_FILE): %w", err)
	case errors.Is(err, webhook.ErrURL), errors.Is(err, webhook.ErrClear):
		return nil, fmt.Errorf("--mail-url ($REKEY_MAIL_URL): %w", err)
	case err != nil:
		return nil, fmt.Errorf("--from ($REKEY_FROM): %w", err)
	}
	return poster, nil
}

func (m *mailFlags) smtp(base link.BaseURL) (*mail.SMTP, error) {
	secret, err := readSecret(m.SMTPPassword)
	if err != nil {
		return nil, fmt.Errorf("--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE): %w", err)
	}
	if secret != "" && m.Username == "" { // it would not be used
		return nil, errors.New("--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE): a password needs --smtp-username ($REKEY_SMTP_USERNAME)")
	}
	config := m.config()
	config.Hello, config.Password = cmp.Or(m.Helo, base.URL().Hostname()), secret
	if config.OAuth, err = m.oauth(); err != nil {
		return nil, err
	}
	return mail.NewSMTP(config)
}

// config is all but the name to greet with and the secrets.
func (m *mailFlags) config() mail.Config {
	return mail.Config{Host: m.Host, Port: m.Port, Security: mail.Security(m.Security), Username: m.Username, From: m.From, Watch: m.watch}
}

// oauth is the source of access tokens, nil without one.
func (m *mailFlags) oauth() (*mail.OAuth, error) {
	if m.TokenURL == "" {
		return nil, nil //nolint:nilnil // most mail servers want none
	}
	secret, err := readSecret(m.ClientSecret)
	if err != nil {
		return nil, fmt.Errorf("--smtp-oauth-secret-file ($REKEY_SMTP_OAUTH_SECRET_FILE): %w", err)
	}
	refresh, err := readSecret(m.RefreshToken)
	if err != nil {
		return nil, fmt.Errorf("--smtp-oauth-refresh-file ($REKEY_SMTP_OAUTH_REFRESH_FILE): %w", err)
	}
	return &mail.OAuth{TokenURL: m.TokenURL, ClientID: m.ClientID, ClientSecret: secret, Scope: m.Scope, RefreshToken: refresh}, nil
}
