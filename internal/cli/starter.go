package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"

	"github.com/rekeyhq/rekey/brand"
	"github.com/rekeyhq/rekey/internal/ops"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/messages"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/password/breached"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
	"github.com/rekeyhq/rekey/workflow"
)

// starterCmd is `rekey starter`.
type starterCmd struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads link.json, payload.json, submission.pub.json, account.json, salt.json)."`
	baseFlag
	LoginURL string `required:"" name:"login-url" env:"REKEY_LOGIN_URL" help:"URL of your sign-in, offered after a reset."`
	Product  string `required:"" env:"REKEY_PRODUCT" help:"Name of your product on the pages."`
	Support  string `required:"" env:"REKEY_SUPPORT" help:"Support contact: a mail address or a URL."`
	Messages string `type:"path" env:"REKEY_MESSAGES" help:"Folder of catalogues (sv.toml) that add a language or replace texts."`
	Brand    string `type:"path" env:"REKEY_BRAND" help:"Folder with the look of your application, brand.json and its files (docs/look.md)."`

	starterFlags

	opsFlags
}

// starterFlags are the settings that `rekey one` has too.
type starterFlags struct {
	Listen            string `default:"127.0.0.1:8080" env:"REKEY_LISTEN" help:"Address to serve on."`
	ChangePasswordURL string `name:"change-password-url" env:"REKEY_CHANGE_PASSWORD_URL" help:"Your page to change a password while signed in, as the target of /.well-known/change-password; without it, the page that requests a mail."`
	HSTS              bool   `negatable:"" default:"true" env:"REKEY_HSTS" help:"Send Strict-Transport-Security if the base URL is https."`

	Pages string `type:"path" env:"REKEY_PAGES" help:"Folder of templates that replace those of the pages, by file name (docs/look.md)."`

	ResetPassword bool           `negatable:"" default:"true" env:"REKEY_RESET_PASSWORD" help:"The feature flag user:reset-password; if off, both POST routes answer 400."`
	LinkLife      time.Duration  `default:"${link_life}" env:"REKEY_LINK_LIFE" help:"Life of a mailed link."`
	CoolDown      time.Duration  `default:"${cool_down}" env:"REKEY_COOL_DOWN" help:"A request this long after the last mail mails another link; in the first half of this time none does."`
	MinLength     int            `default:"${min_length}" env:"REKEY_PASSWORD_MIN_LENGTH" help:"Minimum password length: 15, or 8 if a second factor is always required (NIST SP 800-63B-4)."`
	Hash          string         `default:"argon2id" enum:"argon2id,bcrypt" env:"REKEY_HASH" help:"Hash format for links that name none, from before 0.3.0: argon2id; or bcrypt, which takes 72 bytes at most."`
	Normalize     string         `default:"nfkc" enum:"nfkc,none" env:"REKEY_NORMALIZE" help:"Unicode form of passwords before hashing: nfkc, if your sign-in applies it too; or none for unchanged."`
	BreachedURL   string         `name:"breached-url" env:"REKEY_BREACHED_URL" help:"Compare passwords with data breaches: https://api.pwnedpasswords.com/range or a mirror, which learns 5 hex digits of a hash; off without it."`
	BreachedFail  string         `name:"breached-fail" default:"open" enum:"open,closed" env:"REKEY_BREACHED_FAIL" help:"Without an answer: open takes the password and logs a warning, closed answers 503."`
	ClientLimit   int            `default:"10" env:"REKEY_CLIENT_LIMIT" help:"Requests per minute and client address; 0 is no limit."`
	StartLimit    int            `default:"20" env:"REKEY_START_LIMIT" help:"Resets started per second for all clients together. Near the limit, networks share it; above it, a page proves work or gets 503. 0 is no limit."`
	Proxies       []netip.Prefix `name:"trusted-proxies" env:"REKEY_TRUSTED_PROXIES" help:"Networks of your reverse proxies, trusted for X-Forwarded-For: 10.0.0.0/8,..."`
	IdleTimeout   time.Duration  `default:"${idle_timeout}" env:"REKEY_IDLE_TIMEOUT" help:"Timeout of idle connections: longer than your load balancer's timeout, or some requests get 502."`
	Hashes        int            `default:"0" env:"REKEY_HASHES" help:"Passwords hashed at once, 64 at most, each 19 MiB with argon2id by default; 0 is one per core. Go gets as many extra threads, unless GOMAXPROCS is set."`

	InviteLife time.Duration `name:"invite-life" default:"72h" env:"REKEY_INVITE_LIFE" help:"Life of the link of an invitation, 1h to 168h."`
	ForcedLife time.Duration `name:"forced-life" default:"24h" env:"REKEY_FORCED_LIFE" help:"Life of the link of a forced reset, 1h to 168h."`

	backendFlags
}

const (
	hashQueue = 64               // submissions that wait for their turn
	hashWait  = 10 * time.Second // and their longest wait
)

// Run serves until p.ctx ends.
func (s *starterCmd) Run(p *process) (err error) {
	s.makeRoom()
	temporal, peers := ops.NewLater(), newLatest()
	op, err := s.operate(p, "rekey-starter", ops.Check{Name: "temporal", Ask: temporal.Ask, Every: checkEvery}, peers.check())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	return s.serve(p, op, temporal, peers.is, func() {})
}

// serve serves until p.ctx ends. It calls listens when requests are answered.
func (s *starterCmd) serve(p *process, op *operation, temporal *ops.Later, peers func(error), listens func()) error {
	access, err := s.access()
	if err != nil {
		return err
	}
	look, err := s.look()
	if err != nil {
		return err
	}
	client, err := s.client(p, op, peers)
	if err != nil {
		return p.unlessStopped(err)
	}
	defer client.Close()
	temporal.Is(client.Check)
	handler, err := web.NewHandler(client, s.handlerConfig(p, op, client, look))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("--listen ($REKEY_LISTEN): %w", err)
	}
	all := newParts(p.ctx)
	if err := s.startBackends(p, op, access, client, all); err != nil {
		return errors.Join(err, listener.Close())
	}
	all.start("pages", edge, func(ctx context.Context) error {
		return web.ServeIdle(ctx, listener, handler, p.log, s.IdleTimeout)
	})
	p.log.Info().Stringer("addr", listener.Addr()).Str("base_url", s.BaseURL).Msg("starter listens")
	defer p.log.Info().Msg("starter stopped")
	listens()
	return all.wait(p.ctx)
}

// cores is how many threads Go has for this program when it starts.
var cores = runtime.GOMAXPROCS(0)

// hashes is how many passwords are hashed at once.
func (s *starterCmd) hashes() int { return cmp.Or(s.Hashes, min(cores, maxHashes)) }

// makeRoom gives Go one more thread for each password that is hashed at once. A hash keeps its
// thread for 20 ms, and Go takes it away after ten at the earliest. With a thread for each core,
// all others wait meanwhile, again for each step of an answer. With more, the kernel gives them a
// core at once (docs/adr/0402). The variable GOMAXPROCS overrides this.
func (s *starterCmd) makeRoom() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(cores + s.hashes())
	}
}

func (s *starterCmd) client(p *process, op *operation, peers func(error)) (*starter.Client, error) {
	cfg, err := s.clientConfig(p)
	if err != nil {
		return nil, err
	}
	cfg.Peers = peers
	if err := errors.Join(op.join(&cfg.Temporal), op.watch(cfg.Budget)); err != nil {
		return nil, err
	}
	return starter.Dial(p.ctx, cfg)
}

func (s *starterCmd) clientConfig(p *process) (starter.Config, error) {
	options, err := p.temporalOptions()
	if err != nil {
		return starter.Config{}, err
	}
	policy := password.DefaultPolicy()
	policy.MinLength, policy.Verbatim = s.MinLength, s.Normalize == "none"
	known, err := s.breached(p)
	return starter.Config{
		Temporal: options, Keys: keys.Open(s.Keys), BaseURL: s.base, TaskQueue: p.queue, Log: p.log,
		LinkLife: s.LinkLife, CoolDown: s.CoolDown, StartLimit: s.StartLimit, Product: s.Product,
		Policy: policy, Hashing: s.hasher(), Breached: known,
		Budget: password.NewBudget(s.hashes(), hashQueue, hashWait),
	}, err
}

func (s *starterCmd) hasher() password.Hasher {
	if s.Hash == "bcrypt" {
		return password.DefaultBcrypt()
	}
	return password.DefaultParams()
}

// breached is the check against data breaches, nil when it is off.
func (s *starterCmd) breached(p *process) (func(context.Context, string) error, error) {
	if s.BreachedURL == "" {
		return nil, nil
	}
	corpus, err := breached.New(breached.Config{URL: s.BreachedURL, FailClosed: s.BreachedFail == "closed", Log: p.log})
	if err != nil {
		return nil, unchecked(fmt.Errorf("--breached-url ($REKEY_BREACHED_URL): %w", err))
	}
	return corpus.Check, nil
}

// look are the texts and the look of the pages.
type look struct {
	texts *messages.Catalogue
	brand *brand.Brand
}

func (s *starterCmd) look() (l look, err error) {
	if l.texts, err = catalogue(s.Messages); err == nil {
		l.brand, err = loadBrand(s.Brand)
	}
	return l, err
}

func (s *starterCmd) handlerConfig(p *process, op *operation, client *starter.Client, l look) web.Config {
	return web.Config{
		Metrics: op.counter(), Traces: op.traces,
		LoginURL: s.LoginURL, Support: s.Support, Messages: l.texts, Brand: l.brand, Pages: s.Pages,
		ChangePasswordURL: s.ChangePasswordURL, NoHSTS: !s.HSTS,
		Enabled:     s.ResetPassword,
		Invitations: client.Of(workflow.Invite, s.InviteLife), Renewals: client.Of(workflow.ForceReset, s.ForcedLife),
		ClientLimit: s.ClientLimit, TrustedProxies: s.Proxies, Log: p.log,
	}
}
