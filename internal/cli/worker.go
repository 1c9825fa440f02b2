package cli

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/internal/ops"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/worker"
)

// cachedRuns is how many open runs the process keeps in memory, some 30 KiB each. A run mostly
// waits. When a run outside the cache goes on, its thirty events or so are replayed.
const cachedRuns = 1_000

// workerCmd is `rekey worker`.
type workerCmd struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads link.json, payload.json, submission.json)."`
	storeFlags
	baseFlag
	workerFlags

	Deployment string `env:"REKEY_DEPLOYMENT" help:"Name of the Temporal worker deployment, to run builds in parallel; unversioned without it."`
	BuildID    string `name:"build-id" env:"REKEY_BUILD_ID" help:"Name of this build in the deployment; without it, the release or the source revision."`

	mailFlags
	opsFlags
}

// workerFlags are the settings that `rekey one` has too.
type workerFlags struct {
	MailLimit int     `default:"${mail_limit}" env:"REKEY_MAIL_LIMIT" help:"Link mails per account at once, and then one an hour; rekey resend may send three more."`
	MailRate  float64 `name:"mail-rate" default:"0" env:"REKEY_MAIL_RATE" help:"Mails per second of all workers together, as your provider allows; 0 is no limit."`

	MailOrigin bool `name:"mail-origin" negatable:"" default:"true" env:"REKEY_MAIL_ORIGIN" help:"Mails of resets say from which network address and when they were requested."`

	MaxLinkLife time.Duration `default:"${max_link_life}" env:"REKEY_MAX_LINK_LIFE" help:"Maximum life of a reset's link; it limits the starter's setting."`

	AuditKeep time.Duration `name:"audit-keep" default:"9600h" env:"REKEY_AUDIT_KEEP" help:"Time to keep lines of the audit log and their client addresses: 400 days; at least 168h, 0 is for ever."`

	UpgradeHash string `name:"upgrade-hash" env:"REKEY_UPGRADE_HASH" help:"Another format that your sign-in reads: argon2id, for every account with another format; or bcrypt (letter y, cost 12), for formats that rekey does not make. Without it, a new hash has format and costs of the old one."`

	FirstHash string `name:"first-hash" env:"REKEY_FIRST_HASH" help:"Format of first passwords, which invitations set: argon2id; bcrypt; or a stored hash of your application, whose format and costs they get. Without it, the usual format of the accounts."`

	eventFlags
}

// Run works until p.ctx ends.
func (w *workerCmd) Run(p *process) (err error) {
	options, err := p.temporalOptions()
	if err != nil {
		return err
	}
	job, err := w.prepare(p)
	if err != nil {
		return p.unlessStopped(err)
	}
	defer func() { err = errors.Join(err, job.close()) }()
	op, err := w.operate(p, "rekey-worker", job.checks()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	return w.work(p, op, job, options)
}

// job is what a worker needs of other programs and of files.
type job struct {
	store     account.Store
	mailer    mailer
	templates *mail.Templates
	receiver  account.Receiver
	temporal  *ops.Later
	peers     *latest
	started   func() // is called when the worker works
}

// close closes the accounts, if they are open.
func (j *job) close() error {
	if j == nil || j.store == nil {
		return nil
	}
	return j.store.Close()
}

// prepare opens it. The caller closes it, unless there is an error.
func (w *workerCmd) prepare(p *process) (*job, error) {
	j := &job{temporal: ops.NewLater(), peers: newLatest(), started: func() {}}
	var err error
	if j.templates, err = w.templates(w.base); err != nil {
		return nil, err
	}
	if j.mailer, err = w.mailer(w.base); err != nil {
		return nil, err
	}
	if j.receiver, err = w.receiver(w.hostFlags); err != nil {
		return nil, err
	}
	j.store, err = w.open(p.ctx, p.log)
	return j, err
}

func (j *job) checks() []ops.Check {
	return []ops.Check{
		{Name: "temporal", Ask: j.temporal.Ask, Every: checkEvery},
		{Name: "accounts", Ask: storeCheck(j.store), Every: checkEvery},
		{Name: "mail", Ask: j.mailer.Check, Tell: mailFailure, Every: mailEvery, Wait: mailWait, Optional: true},
		j.peers.check(),
	}
}

// work does the job until p.ctx ends.
func (w *workerCmd) work(p *process, op *operation, j *job, options client.Options) error {
	if err := op.join(&options); err != nil {
		return err
	}
	sdk.SetStickyWorkflowCacheSize(cachedRuns)
	cfg := w.config()
	cfg.Temporal, cfg.TaskQueue, cfg.Log, cfg.Peers = options, p.queue, p.log, j.peers.is
	cfg.Store, cfg.Mailer, cfg.Templates, cfg.Receiver = j.store, j.mailer, j.templates, j.receiver
	cfg.Started = func(c client.Client) {
		j.temporal.Is(temporalCheck(c))
		j.started()
	}
	return explainWorker(worker.Run(p.ctx, cfg))
}

// config has what the command line alone says.
func (w *workerCmd) config() worker.Config {
	return worker.Config{
		Keys: keys.Open(w.Keys), BaseURL: w.base,
		MailLimit: w.MailLimit, MailRate: w.MailRate, NoMailOrigin: !w.MailOrigin, MaxLinkLife: w.MaxLinkLife, AuditKeep: w.AuditKeep,
		UpgradeHash: activities.Upgrade(w.UpgradeHash), FirstHash: w.FirstHash, EventsWithAddress: w.EventsWithAddress,
		Deployment: w.Deployment, BuildID: w.build(release),
	}
}

// explainWorker names the setting that an error of the worker is about.
func explainWorker(err error) error {
	if errors.Is(err, worker.ErrNoBuildID) {
		return fmt.Errorf("--build-id ($REKEY_BUILD_ID): %w", err)
	}
	if _, ok := errors.AsType[*postgres.SettingError](err); ok {
		return explainStore(err)
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
