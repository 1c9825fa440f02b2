package starter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/golang-lru/v2"
	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

// Defaults of [Config].
const (
	// DefaultLinkLife is how long a mailed link works. It suffices for a slow mail server and a
	// lunch. It is short because others may read the mailbox later (OWASP Forgot Password Cheat
	// Sheet, "URL tokens").
	DefaultLinkLife = 30 * time.Minute
	// DefaultCoolDown is how long after a mail another request mails a link again.
	DefaultCoolDown = 60 * time.Second
	// callWait is how long Temporal may take for one answer, with the SDK's retries.
	callWait = 5 * time.Second
	// decisionWait is how long a submission waits for a worker to apply it.
	decisionWait = 5 * time.Second
	// clockSkew is how far the clocks of starters and workers may differ.
	clockSkew = 60 * time.Second
	// recentRequests is how many account keys are remembered for half the cool-down. A key that
	// falls out costs only a signal.
	recentRequests = 100_000
)

// Config has the settings of a [Client]. Fields with a default may be zero.
type Config struct {
	// Temporal has the address, namespace, TLS and credentials of the server. Dial replaces its
	// converters, so that nothing leaves in clear. Its metrics handler also gets the client's own
	// metrics: rekey_hash_wait and rekey_bounces.
	Temporal client.Options
	// Keys is the folder of keysets. A starter reads link.json, payload.json,
	// submission.pub.json, account.json and salt.json there.
	Keys keys.Dir
	// BaseURL is the outside URL of the pages, as in the mailed links. Links of another base URL
	// are refused. Required.
	BaseURL link.BaseURL

	// TaskQueue is that of the workers; default flow.TaskQueue. Each product in a
	// namespace has its own, and keys of its own.
	TaskQueue string
	// Log gets a line about processes that do not belong together. Peers is called at each
	// change, with an error of the reasons, or nil. Both may be left out.
	Log   zerolog.Logger
	Peers func(error)

	LinkLife time.Duration // default DefaultLinkLife
	CoolDown time.Duration // default DefaultCoolDown

	// StartLimit is how many resets per second this client starts for all callers, ten seconds'
	// worth at once. Over it every request is ErrOverloaded. While less than half of it is left,
	// each wide network of clients (IPv4 /16, IPv6 /32) gets its share. Clients that solve a
	// puzzle have a budget of the same size. Zero is no limit.
	StartLimit int

	Policy  password.Policy  // rules for a new password; required
	Hashing password.Hasher  // for links without parameters; default password.DefaultParams
	Budget  *password.Budget // of concurrent hashes; required, shared by all clients of a process

	// Breached returns a *password.Refusal for a normalized password that is known from a data
	// breach. After another error no password is accepted. It bounds its own time and is safe for
	// concurrent use: (*breached.Corpus).Check. Nil checks nothing.
	Breached func(ctx context.Context, newPassword string) error

	// Product is the service's name for its users, and a password must not be made of it. The
	// routes and pages require it.
	Product string
	// Now is the clock; default time.Now. Tests set it.
	Now func() time.Time
}

// Client starts resets and uses their links. A Go backend that has pages of its own imports it in
// place of the HTTP routes. It needs only a Temporal server: with every worker down, requests and
// new passwords are accepted durably all the same.
//
// A Client is safe for concurrent use.
type Client struct {
	cfg         Config
	flow        flow.Definition
	purposes    link.Links
	temporal    client.Client
	namespace   string
	data        converter.DataConverter
	links       *link.Box
	accountKeys *keys.AccountKeys
	messageIDs  *keys.MessageIDs
	salts       *keys.Salts
	sealer      *keys.Sealer
	recent      *lru.Cache[string, sent] // by workflow ID
	starts      *startLimit              // nil for no limit
	proven      *startLimit              // of clients that solved a puzzle
	proof       *Proof
	pace        *pace
	attempts    *attempts
	// lateAttempts are those on links that have expired.
	lateAttempts *attempts
	stop         func() // of the watch
}

var _ Resets = (*Client)(nil)

// Dial reads the keysets, connects to Temporal and returns a client. The context
// bounds the connecting.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, namespace: cfg.Temporal.Namespace, pace: &pace{},
		flow: workflow.ResetPassword, purposes: link.Of(workflow.ResetPassword.Kind),
	}
	if err := c.loadKeys(); err != nil {
		return nil, err
	}
	if err := c.makeMemory(); err != nil {
		return nil, err
	}
	codec, err := cfg.Keys.Payload()
	if err != nil {
		return nil, err
	}
	options := codec.ClientOptions(cfg.Temporal)
	c.data = options.DataConverter
	if c.temporal, err = client.DialContext(ctx, Describing(options)); err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	if err := c.join(ctx); err != nil {
		c.temporal.Close()
		return nil, err
	}
	c.announce()
	return c, nil
}

// Close ends the connection. Runs go on without it.
func (c *Client) Close() {
	c.stop()
	c.temporal.Close()
}

// Check reports whether Temporal answers.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return c.fault(err)
}

// metrics is the handler of a client's metrics.
func (c *Client) metrics() client.MetricsHandler {
	return cmp.Or(c.cfg.Temporal.MetricsHandler, client.MetricsNopHandler)
}

func (c *Client) loadKeys() error {
	aead, err := c.cfg.Keys.Link()
	if err != nil {
		return err
	}
	links, linkErr := link.New(aead, c.cfg.BaseURL, c.namespace)
	accounts, accountErr := c.cfg.Keys.AccountKeys()
	salts, saltErr := c.cfg.Keys.Salts()
	sealer, sealErr := c.cfg.Keys.SubmissionSealer()
	messages, messageErr := c.cfg.Keys.MessageIDs(c.namespace)
	c.links, c.accountKeys, c.salts, c.sealer, c.messageIDs = links, accounts, salts, sealer, messages
	return errors.Join(linkErr, accountErr, saltErr, sealErr, messageErr)
}

// makeMemory makes a client's memory of the last minutes.
func (c *Client) makeMemory() error {
	var recentErr, attemptsErr, lateErr error
	c.recent, recentErr = lru.New[string, sent](recentRequests)
	c.attempts, attemptsErr = newAttempts(linkAttempts, time.Minute)
	c.lateAttempts, lateErr = newAttempts(lateAttempts, toldFor)
	c.starts, c.proven = newStartLimit(c.cfg.StartLimit), newStartLimit(c.cfg.StartLimit)
	var proofErr error
	c.proof, proofErr = newProof(c.salts.ChallengeKey(), c.cfg.Now)
	return errors.Join(recentErr, attemptsErr, lateErr, proofErr)
}

// check finds faults that would otherwise show at the first submission only.
func (c Config) check() error {
	switch {
	case c.StartLimit < 0:
		return errors.New("start limit: want 0 or more resets per second")
	case c.Budget == nil:
		return errors.New("a budget for hashing is missing: password.NewBudget")
	case c.Policy.MaxBytes == 0:
		return errors.New("a password policy is missing: password.DefaultPolicy")
	}
	if err := flow.CheckQueue(c.TaskQueue); err != nil {
		return err
	}
	if err := c.Hashing.Check(); err != nil {
		return fmt.Errorf("hashing: %w", err)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Temporal.Namespace == "" {
		c.Temporal.Namespace = client.DefaultNamespace
	}
	if c.TaskQueue == "" {
		c.TaskQueue = flow.TaskQueue
	}
	if c.LinkLife == 0 {
		c.LinkLife = DefaultLinkLife
	}
	if c.CoolDown == 0 {
		c.CoolDown = DefaultCoolDown
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Hashing == nil {
		c.Hashing = password.DefaultParams()
	}
	return c
}
