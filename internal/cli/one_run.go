package cli

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/internal/backup"
	"github.com/rekeyhq/rekey/internal/notify"
	"github.com/rekeyhq/rekey/internal/ops"
)

// Run runs all parts until p.ctx ends. The parts start from the bottom up and stop from the top
// down, so that none misses what it needs. A build that does not fit the open runs changes nothing.
func (o *oneRunCmd) Run(p *process) (err error) {
	begun := time.Now()
	o.starter.makeRoom()
	stdlog.SetFlags(0)
	stdlog.SetOutput(chatter{p.log}) // Temporal's UI
	h, err := openHome(p, o.Data)
	if err != nil {
		return fmt.Errorf("--data ($REKEY_DATA): %w", err)
	}
	defer func() { err = errors.Join(err, h.close()) }()
	job, err := o.worker.prepare(p)
	old := errors.Is(err, postgres.ErrSchemaOld)
	if err != nil && !old {
		return p.unlessStopped(err)
	}
	temporal, err := o.startTemporal(p)
	if err != nil {
		return errors.Join(p.unlessStopped(err), job.close())
	}
	m := &machine{one: o, process: p, home: h, temporal: temporal, begun: begun}
	p.embedded = m.options()
	err = m.fits()
	if err == nil && old {
		job, err = o.migrate(p)
	}
	if err == nil {
		err = m.operate(job)
	}
	err = errors.Join(p.unlessStopped(err), job.close())
	temporal.Stop()
	p.log.Info().Msg("Temporal server stopped")
	return err
}

// chatter takes lines of libraries that write to the log of the standard library.
type chatter struct{ log zerolog.Logger }

func (c chatter) Write(line []byte) (int, error) {
	c.log.Debug().Msg(strings.TrimSpace(string(line)))
	return len(line), nil
}

// migrate brings the schema of rekey's own tables up to date, and opens them: nobody else runs
// `rekey migrate` on one machine.
func (o *oneRunCmd) migrate(p *process) (*job, error) {
	cfg, err := databaseConfig(o.worker.Store, o.worker.Password)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(p.ctx, cfg, func(step postgres.Migration) {
		p.log.Info().Str("step", step.Name).Dur("took", step.Took).Msg("schema rekey migrated")
	}); err != nil {
		return nil, explainStore(err)
	}
	return o.worker.prepare(p)
}

func (o *oneRunCmd) startTemporal(p *process) (Temporal, error) {
	options := TemporalOptions{Addr: o.TemporalListen, File: filepath.Join(o.Data, runsFile), Log: p.log}
	if o.TemporalDB != "" {
		secret, err := readSecret(o.TemporalPassword)
		if err != nil {
			return nil, fmt.Errorf("--temporal-db-password-file ($REKEY_TEMPORAL_DB_PASSWORD_FILE): %w", err)
		}
		options.File, options.Database, options.Password = "", o.TemporalDB, secret
	}
	temporal, err := o.embedded.Temporal(p.ctx, options)
	if err == nil {
		p.log.Info().Str("addr", temporal.Addr()).Msg("Temporal server listens")
	}
	return temporal, err
}

// machine is all of `rekey one` above its Temporal server.
type machine struct {
	one      *oneRunCmd
	process  *process
	home     *home
	temporal Temporal
	begun    time.Time
}

// options are those of a client of the Temporal server.
func (m *machine) options() *client.Options {
	options := &client.Options{
		HostPort: m.temporal.Addr(), Namespace: client.DefaultNamespace,
		Logger:            sdklog.NewStructuredLogger(slog.New(zerolog.NewSlogHandler(m.process.log))),
		ConnectionOptions: client.ConnectionOptions{TLS: m.temporal.Client()},
	}
	if m.process.compression != "on" { // it is on loopback
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	return options
}

// replays is how many runs are replayed at once at the start.
const replays = 8

// fits replays the open runs, before any is led by this build.
func (m *machine) fits() error {
	replay := replayCmd{Keys: m.one.keys(), Parallel: replays, open: true}
	r, err := replay.report(m.process)
	if err != nil {
		return fmt.Errorf("replay the open runs: %w", err)
	}
	if r.Diverged > 0 {
		sortFindings(r.Divergences)
		e := r.Divergences[0].Examples[0]
		return fmt.Errorf("this build cannot continue %d of %d open resets, for example %s, run %s: %s: start the build that ran here before, which continues them all; nothing is lost (docs/operations/upgrades.md)",
			r.Diverged, r.Replayed, plain(e.WorkflowID), e.RunID, plain(e.Error))
	}
	for _, f := range r.Unreadable {
		m.process.log.Error().Int("runs", f.Runs).Str("example", f.Examples[0].WorkflowID).Str("reason", f.Reason).Msg("open runs that cannot be replayed: their keys are missing, or they are damaged")
	}
	m.process.log.Info().Int("runs", r.Replayed).Msg("this build continues the open runs")
	return nil
}

// operate runs the parts with probes, which are answered until all have ended.
func (m *machine) operate(job *job) (err error) {
	starts := ops.NewLater()
	op, err := m.one.operate(m.process, "rekey-one", append(job.checks(), ops.Check{Name: "starter", Ask: starts.Ask, Every: checkEvery})...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	return m.run(op, job, starts)
}

// run runs worker, starter and pages, and returns when all have ended.
func (m *machine) run(op *operation, job *job, starts *ops.Later) error {
	pages, listener, err := m.listen()
	if err != nil {
		return err
	}
	copies, err := backup.Listen(m.home.dir)
	if err != nil {
		return err
	}
	works, listens := make(chan struct{}), make(chan struct{})
	job.started = func() { close(works) }
	all := newParts(m.process.ctx)
	all.start("worker", core, func(ctx context.Context) error { return m.one.worker.work(m.with(ctx), op, job, *m.process.embedded) })
	all.start("backups", core, func(ctx context.Context) error { return backup.Serve(ctx, copies, m.source()) })
	if listener != nil {
		all.start("Temporal's UI", edge, func(ctx context.Context) error { return m.one.servePages(ctx, m.process, listener, pages) })
	}
	all.start("starter", edge, func(ctx context.Context) error {
		return m.one.starter.serve(m.with(ctx), op, starts, func(error) {}, func() { close(listens) })
	})
	go m.announce(job, works, listens)
	return all.wait(m.process.ctx)
}

// listen opens the address of the pages, and writes the files with which operators reach this
// process; without one there are no pages.
func (m *machine) listen() (http.Handler, net.Listener, error) {
	o := m.one
	if o.BearerFile == "" {
		o.BearerFile = m.home.path(operatorsFile)
	}
	secret, err := readSecret(o.BearerFile)
	if err != nil {
		return nil, nil, fmt.Errorf("--bearer-file ($REKEY_BEARER_FILE): %w", err)
	}
	if o.UIListen == "" {
		return nil, nil, m.home.admit(m.temporal, "", "")
	}
	ways, err := o.ways(m.process)
	if err != nil {
		return nil, nil, err
	}
	typed, err := codecserver.Basic(secret)
	if err != nil {
		return nil, nil, fmt.Errorf("--bearer-file ($REKEY_BEARER_FILE): %w", err)
	}
	pages, err := o.pages(m.process, m.temporal, append(ways, typed))
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", o.UIListen)
	if err != nil {
		return nil, nil, fmt.Errorf("--ui-listen ($REKEY_UI_LISTEN): %w", err)
	}
	return pages, listener, m.home.admit(m.temporal, "http://"+listener.Addr().String()+codecPath, secret)
}

// announce says that all parts are ready, and to systemd that they are alive from then on.
func (m *machine) announce(job *job, works, listens <-chan struct{}) {
	for _, ready := range []<-chan struct{}{works, listens} {
		select {
		case <-ready:
		case <-m.process.ctx.Done():
			return
		}
	}
	m.process.log.Info().Dur("ms", time.Since(m.begun)).Str("data", m.home.dir).Msg("rekey one is ready")
	if err := notify.Send(notify.Ready); err != nil {
		m.process.log.Warn().Err(err).Msg("systemd was not told")
	}
	context.AfterFunc(m.process.ctx, func() { _ = notify.Send(notify.Stopping) })
	notify.Watch(m.process.ctx, job.temporal.Ask)
}

// with is the process of a part.
func (m *machine) with(ctx context.Context) *process {
	p := *m.process
	p.ctx = ctx
	return &p
}

// parts run beside each other. The first that ends by itself ends all.
type parts struct {
	ctx     context.Context
	running []part // in the order of starting
	broken  chan error
}

// place is where a part stands. People reach the edge, and it needs the parts of the core.
type place int

const (
	edge place = iota
	core
)

type part struct {
	at   place
	stop context.CancelFunc
	done chan error
}

func newParts(ctx context.Context) *parts {
	return &parts{ctx: context.WithoutCancel(ctx), broken: make(chan error, 4)}
}

// start starts a part that runs until its context ends.
func (ps *parts) start(name string, at place, run func(context.Context) error) {
	ctx, stop := context.WithCancel(ps.ctx)
	p := part{at, stop, make(chan error, 1)}
	ps.running = append(ps.running, p)
	go func() {
		err := run(ctx)
		if ctx.Err() == nil {
			if err == nil {
				err = errors.New("it ended by itself")
			}
			ps.broken <- fmt.Errorf("%s: %w", name, err)
			err = nil
		}
		p.done <- err
	}()
}

// wait waits until ctx or a part ends, and then stops all: those of the edge beside each other, and
// then those of the core.
func (ps *parts) wait(ctx context.Context) (err error) {
	select {
	case <-ctx.Done():
	case err = <-ps.broken:
	}
	for _, at := range []place{edge, core} {
		for _, p := range ps.running {
			if p.at == at {
				p.stop()
			}
		}
		for _, p := range ps.running {
			if p.at == at {
				err = errors.Join(err, <-p.done)
			}
		}
	}
	return err
}
