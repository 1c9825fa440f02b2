// Package worker hosts the workflow and its activities: the one process that holds
// the account store and talks to the mail server.
//
// Run as many as the store allows. A stopped or killed one costs no reset anything: another one,
// or its next start, begins its work again.
package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/belong"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
)

const (
	// DefaultMailLimit is how many link mails an account gets at once, and then one an hour.
	DefaultMailLimit = 5
	// DefaultMaxLinkLife is how long a link works at most: it is a credential in a mailbox.
	DefaultMaxLinkLife = 24 * time.Hour
)

// Config has the settings of a worker.
//
// The number of open runs in memory is a setting of the whole process. The SDK has it at 10,000:
// the process then takes some 450 MiB. A run mostly waits, and its events are soon read again, so
// `rekey worker` keeps 1,000. The example sets that too, by the SDK's
// worker.SetStickyWorkflowCacheSize, before Run.
type Config struct {
	// Temporal has the address, namespace, TLS and credentials of the server. The worker replaces
	// its converters. Its metrics handler also gets the worker's own metrics, rekey_.... The spans
	// of a tracing interceptor get those of the store and the mailer below them.
	Temporal client.Options
	// Keys is the folder of keysets. A worker reads link.json, payload.json and
	// submission.json there. A worker that also has account.json carries out forced resets of many
	// accounts.
	Keys keys.Dir
	// Store holds the accounts. The caller closes it, after Run. Forced resets of all accounts need
	// an account.Lister.
	Store account.Store
	// Mailer sends the mails that Templates make.
	Mailer    activities.Mailer
	Templates *mail.Templates
	// BaseURL is the outside URL of the pages; links begin with it.
	BaseURL link.BaseURL
	// TaskQueue is the queue of the runs; empty means flow.TaskQueue. Its mails are in another
	// one beside it. Each product in a namespace has its own, and keys of its own.
	TaskQueue string
	// MailLimit is how many link mails an account gets at once, and then one an hour, see
	// account.RoomForMail. Operators have three more. 0 means DefaultMailLimit.
	MailLimit int
	// NoMailOrigin leaves out of the mails of resets from which network address and when they were
	// requested.
	NoMailOrigin bool
	// MaxLinkLife is how long a link works at most. Neither a starter nor a thief of the payload
	// keyset gets more. 0 means DefaultMaxLinkLife.
	MaxLinkLife time.Duration
	// AuditKeep is how long lines of the audit log are kept; 0 is for ever.
	AuditKeep time.Duration
	// MailRate is how many mails all workers together send in a second, as a provider allows; 0
	// means no limit. All workers should have the same value: Temporal keeps the last one.
	MailRate float64
	// Receiver is told events of resets, see docs/hosts/events.md; nil tells none, and no reset
	// costs more. All workers of a task queue have one, or none.
	Receiver account.Receiver
	// EventsWithAddress puts the address of the account into events.
	EventsWithAddress bool
	// UpgradeHash is a format of hashes that the host's sign-in reads beside those of its
	// accounts; empty means that each account keeps its own.
	UpgradeHash activities.Upgrade
	// Flows are flows of one's own beside those of rekey, see docs/flows.md. A flow with Apply needs
	// a Store that is an account.Using.
	Flows []activities.Flow
	// FirstHash is the format of first passwords, which invitations set: argon2id, bcrypt, or a stored
	// hash of the application as an example. Empty is the usual one of the accounts. Where that is not
	// known nobody is invited.
	FirstHash string
	// Deployment is the name of the worker's Temporal worker deployment, without "." and ":". A
	// run then stays with the build that began it, and a build begins none before it is made
	// current; see docs/operations/upgrades.md. The workers of two builds must be able to open the
	// store at once. Empty means an unversioned worker, which replays the runs of earlier builds.
	Deployment string
	// BuildID is the name of this build in its deployment. Empty means the VCS revision of the
	// program; see [ErrNoBuildID].
	BuildID string
	Log     zerolog.Logger
	// Now is the clock of the activities; nil means time.Now.
	Now func() time.Time
	// Started is called with the connection when the worker polls, for health checks. It may be
	// nil. Run closes the connection when it returns.
	Started func(client.Client)
	// Peers is called about processes that do not belong together, at first and after each change,
	// with an error of the reasons, or nil. The log has the same.
	Peers func(error)

	clocks []clock         // to compare its own with
	first  password.Hasher // see FirstHash
}

// Run works until the context ends, then finishes work in progress and returns nil. It returns an
// error when it cannot start or can no longer work.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return err
	}
	cfg, err := cfg.versioned()
	if err != nil {
		return err
	}
	if own, ok := cfg.Store.(clocked); ok {
		cfg.clocks = append(cfg.clocks, storeClock(own))
	}
	usual, err := cfg.tryHashes(ctx)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if cfg.first, err = cfg.firstHash(usual); err != nil {
		return err
	}
	cfg.Store = watch(cfg.Store, cfg.metrics())
	codec, err := cfg.Keys.Payload()
	if err != nil {
		return err
	}
	acts, err := cfg.activities()
	if err != nil {
		return err
	}
	cfg.Temporal.Logger = log.NewStructuredLogger(slog.New(zerolog.NewSlogHandler(cfg.Log)))
	temporal, err := client.DialContext(ctx, codec.ClientOptions(cfg.Temporal))
	if err != nil {
		return unlessStopped(ctx, fmt.Errorf("connect to Temporal at %s: %w", cfg.Temporal.HostPort, err))
	}
	defer temporal.Close()
	if err := checkSetup(ctx, temporal, cfg.Temporal.Namespace); err != nil {
		return unlessStopped(ctx, err)
	}
	self, err := cfg.mark()
	if err != nil {
		return err
	}
	return cfg.work(ctx, temporal, acts, self)
}

// mark describes the worker to the other processes of its task queue.
func (c Config) mark() (belong.Mark, error) {
	return belong.Of(belong.Worker, c.Keys, c.BaseURL.String(), c.Templates.Product())
}

func (c Config) check() error {
	switch {
	case c.Store == nil || c.Mailer == nil || c.Templates == nil:
		return errors.New("worker: want a store, a mailer and templates")
	case c.MailLimit < 0 || c.MailRate < 0 || c.MaxLinkLife < 0 || c.AuditKeep < 0:
		return errors.New("worker: want no negative limit, rate, life or keep")
	case !c.UpgradeHash.Valid():
		return errors.New("worker: want argon2id, bcrypt or nothing for the upgrade of hashes")
	default:
		return errors.Join(flow.CheckQueue(c.TaskQueue), c.checkFlows())
	}
}

// unlessStopped is the error of a call, or nil when the call was cut short because the
// worker is to stop.
func unlessStopped(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}

// work polls until the context ends or the worker breaks.
func (c Config) work(ctx context.Context, temporal client.Client, acts *activities.Activities, self belong.Mark) error {
	p := c.pollers(temporal, acts)
	if err := p.start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	c.Log.Info().Str("namespace", c.Temporal.Namespace).Str("task_queue", c.TaskQueue).
		Str("deployment", c.Deployment).Str("build_id", c.BuildID).Msg("worker started")
	c.tellRouting(ctx, temporal)
	defer c.Log.Info().Msg("worker stopped")
	defer p.stop()
	defer c.countRuns(ctx, temporal)()
	defer c.payOwed(ctx, temporal)()
	defer belong.Watch{
		Temporal: temporal, Namespace: c.Temporal.Namespace, Queue: c.TaskQueue, Self: self, Log: c.Log, Tell: c.Peers,
	}.Start()()
	c.clocks = append(c.clocks, temporalClock(temporal, c.TaskQueue))
	c.Started(temporal)
	return c.sweepUntil(ctx, p.broken)
}

func (c Config) activities() (*activities.Activities, error) {
	aead, err := c.Keys.Link()
	if err != nil {
		return nil, err
	}
	links, err := link.New(aead, c.BaseURL, c.Temporal.Namespace, c.pages()...)
	if err != nil {
		return nil, err
	}
	submissions, err := c.Keys.SubmissionOpener()
	if err != nil {
		return nil, err
	}
	accountKeys, err := c.Keys.AccountKeys()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	messageIDs, err := c.Keys.MessageIDs(c.Temporal.Namespace)
	if err != nil {
		return nil, err
	}
	lister, _ := c.Store.(account.Lister)
	return &activities.Activities{
		Lister: lister, AccountKeys: accountKeys, MessageIDs: messageIDs,
		Store: c.Store, Mailer: c.Mailer, Templates: c.Templates,
		Links: links, Submissions: submissions,
		MailLimit: c.MailLimit, NoOrigin: c.NoMailOrigin, MaxLinkLife: c.MaxLinkLife, Upgrade: c.UpgradeHash, First: c.first,
		Receiver: c.Receiver, WithAddress: c.EventsWithAddress, Flows: c.Flows,
		Domain: mail.IDDomain(c.BaseURL.URL().Hostname()), Now: c.Now, Metrics: c.metrics(),
	}, nil
}

func (c Config) withDefaults() Config {
	if c.Temporal.Namespace == "" {
		c.Temporal.Namespace = client.DefaultNamespace
	}
	if c.TaskQueue == "" {
		c.TaskQueue = flow.TaskQueue
	}
	if c.MailLimit == 0 {
		c.MailLimit = DefaultMailLimit
	}
	if c.MaxLinkLife == 0 {
		c.MaxLinkLife = DefaultMaxLinkLife
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Started == nil {
		c.Started = func(client.Client) {}
	}
	return c
}

// metrics is the handler of the worker's metrics.
func (c Config) metrics() client.MetricsHandler {
	return cmp.Or(c.Temporal.MetricsHandler, client.MetricsNopHandler)
}
