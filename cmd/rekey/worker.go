package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/internal/ops"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/worker"
)

// cachedRuns is how many open runs the process keeps in memory, some 30 KiB each. A run
// mostly waits; when one that is not there goes on, its thirty events or so are replayed.
const cachedRuns = 1_000

// workerCmd is `rekey worker`.
type workerCmd struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads link.json, payload.json, submission.json)."`
	storeFlags
	BaseURL   string `required:"" name:"base-url" env:"REKEY_BASE_URL" help:"Where the pages are reached, as in the mailed links: https://accounts.example.com."`
	MailLimit int    `default:"10" env:"REKEY_MAIL_LIMIT" help:"Link mails per account in 24 hours; rekey resend may send three more."`

	UpgradeHash string `name:"upgrade-hash" env:"REKEY_UPGRADE_HASH" help:"A format that your sign-in reads beside those of its accounts: argon2id, for every account that has another; or bcrypt (letter y, cost 12), for those whose own format rekey does not make. Without it a new hash has format and costs of the old one."`

	Deployment string `env:"REKEY_DEPLOYMENT" help:"Name of the Temporal worker deployment, for builds that work side by side; unversioned without it."`
	BuildID    string `name:"build-id" env:"REKEY_BUILD_ID" help:"Name of this build in the deployment; without it the release, or the revision that it was built from."`

	mailFlags
	opsFlags
}

// mailFlags say what mails look like and who delivers them.
type mailFlags struct {
	Product   string `required:"" env:"REKEY_PRODUCT" help:"Name of your product, as mails call it."`
	Support   string `required:"" env:"REKEY_SUPPORT" help:"Whom an owner asks for help: an address or a URL."`
	SignInURL string `name:"login-url" env:"REKEY_LOGIN_URL" help:"Where people sign in."`
	Templates string `type:"path" env:"REKEY_TEMPLATES" help:"Folder of templates that replace the built-in ones, by file name."`

	From         string `required:"" env:"REKEY_FROM" help:"Sender of the mails: no-reply@example.com."`
	Host         string `name:"smtp-host" required:"" env:"REKEY_SMTP_HOST" help:"Mail server."`
	Port         int    `name:"smtp-port" default:"587" env:"REKEY_SMTP_PORT" help:"Its port."`
	Security     string `name:"smtp-security" enum:"starttls,tls,none" default:"starttls" env:"REKEY_SMTP_SECURITY" help:"Encryption: ${enum}; none is for loopback only."`
	Username     string `name:"smtp-username" env:"REKEY_SMTP_USERNAME" help:"User name, if the mail server wants one."`
	SMTPPassword string `name:"smtp-password-file" type:"path" env:"REKEY_SMTP_PASSWORD_FILE" help:"File that holds the password for it."`
}

// Run works until the process is told to stop.
func (w *workerCmd) Run(p *process) (err error) {
	options, err := temporalOptions(p.log)
	if err != nil {
		return err
	}
	templates, err := w.templates(w.BaseURL)
	if err != nil {
		return err
	}
	mailer, err := w.mailer()
	if err != nil {
		return err
	}
	store, err := w.open(p.ctx, p.log)
	if err != nil {
		return p.unlessStopped(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	temporal := ops.NewLater()
	told, err := w.operate(p, "rekey-worker",
		ops.Check{Name: "temporal", Ask: temporal.Ask, Every: checkEvery},
		ops.Check{Name: "accounts", Ask: answers(store), Every: checkEvery},
		ops.Check{Name: "mail", Ask: mailer.Check, Every: mailEvery, Optional: true},
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, told.close()) }()
	if err := told.join(&options); err != nil {
		return err
	}
	sdk.SetStickyWorkflowCacheSize(cachedRuns)
	err = worker.Run(p.ctx, worker.Config{
		Temporal: options, Keys: keys.Open(w.Keys), Store: store,
		Mailer: mailer, Templates: templates,
		BaseURL: w.BaseURL, MailLimit: w.MailLimit, UpgradeHash: activities.Upgrade(w.UpgradeHash),
		Deployment: w.Deployment, BuildID: w.build(release), Log: p.log,
		Started: func(c client.Client) { temporal.Is(reaches(c)) },
	})
	if errors.Is(err, worker.ErrNoBuildID) {
		err = fmt.Errorf("--build-id ($REKEY_BUILD_ID): %w", err)
	}
	return err
}

// build is the build ID. A program of a release does not know its revision; "" means it.
func (w *workerCmd) build(release string) string {
	if w.Deployment == "" || release == unnamed {
		return w.BuildID
	}
	return cmp.Or(w.BuildID, release)
}

func (m *mailFlags) templates(baseURL string) (*mail.Templates, error) {
	templates, err := mail.Load(m.Templates, mail.Brand{
		Product: m.Product, Support: m.Support, SignInURL: m.SignInURL,
		ForgotURL: strings.TrimSuffix(baseURL, "/") + "/account/forgot-password",
	})
	if err != nil && m.Templates != "" {
		err = fmt.Errorf("--templates ($REKEY_TEMPLATES) %s: %w", m.Templates, err)
	}
	return templates, err
}

func (m *mailFlags) mailer() (*mail.SMTP, error) {
	secret, err := readSecret(m.SMTPPassword)
	if err != nil {
		return nil, fmt.Errorf("--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE): %w", err)
	}
	if secret != "" && m.Username == "" { // it would not be used
		return nil, errors.New("--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE): a password needs --smtp-username ($REKEY_SMTP_USERNAME)")
	}
	return mail.NewSMTP(m.config(secret))
}

func (m *mailFlags) config(secret string) mail.Config {
	return mail.Config{
		Host: m.Host, Port: m.Port, Security: mail.Security(m.Security),
		Username: m.Username, Password: secret, From: m.From,
	}
}

// readSecret reads a file without its last line break; no file is no secret.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	return strings.TrimRight(string(b), "\r\n"), err
}
