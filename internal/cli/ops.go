package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/internal/ops"
	"github.com/rekeyhq/rekey/internal/telemetry"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/web"
	"github.com/rekeyhq/rekey/workflow"
)

// opsFlags are the settings of the probes and metrics of a process.
type opsFlags struct {
	OpsListen string `name:"ops-listen" env:"REKEY_OPS_LISTEN" help:"Address for /livez, /readyz and /metrics, on a private network; off without it."`
}

const (
	checkEvery = 5 * time.Second
	// mailEvery is seldom: a mail server counts and logs each login, and may delay its greeting.
	mailEvery = 30 * time.Second
	mailWait  = 15 * time.Second
	// sendRest is how long a process that stops waits for its trace collector.
	sendRest = 5 * time.Second
)

// operation is a process's probes, metrics and traces while it runs.
type operation struct {
	metrics *telemetry.Metrics // nil without a listener
	traces  trace.TracerProvider
	closers []func() error // in the order of starting
}

// operate starts them. They last until close, so that probes are answered while the process
// drains.
func (f opsFlags) operate(p *process, service string, checks ...ops.Check) (o *operation, err error) {
	o = &operation{}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.close())
		}
	}()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { p.log.Warn().Err(err).Msg("OpenTelemetry") }))
	otel.SetLogger(logr.FromSlogHandler(zerolog.NewSlogHandler(p.log)))
	if err := o.trace(p, service); err != nil {
		return o, err
	}
	if f.OpsListen == "" {
		return o, nil
	}
	return o, o.listen(p, f.OpsListen, service, checks)
}

func (o *operation) trace(p *process, service string) error {
	if err := checkSecrets("OTEL_EXPORTER_OTLP_CLIENT_KEY", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"); err != nil {
		return err
	}
	provider, err := telemetry.NewTraces(p.ctx, service, version())
	if provider == nil || err != nil {
		return err
	}
	o.closers = append(o.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), sendRest)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			p.log.Warn().Err(err).Msg("the last traces were not exported")
		}
		return nil
	})
	o.traces = provider
	return nil
}

func (o *operation) listen(p *process, address, service string, checks []ops.Check) (err error) {
	if o.metrics, err = telemetry.NewMetrics(p.ctx, service, version()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--ops-listen ($REKEY_OPS_LISTEN): %w", err)
	}
	health := ops.NewHealth(checks...)
	context.AfterFunc(p.ctx, health.Drain)
	serving, stop := context.WithCancel(context.WithoutCancel(p.ctx))
	served := make(chan error, 1)
	go func() { served <- web.Serve(serving, listener, ops.Handler(health, o.metrics.Handler()), p.log) }()
	o.closers = append(o.closers, func() error {
		stop()
		health.Stop()
		return <-served
	})
	p.log.Info().Stringer("addr", listener.Addr()).Msg("probes and metrics are answered")
	return health.Observe(o.metrics.Meter())
}

// close ends it, the last first.
func (o *operation) close() (err error) {
	for _, closer := range slices.Backward(o.closers) {
		err = errors.Join(err, closer())
	}
	return err
}

// counter is the metrics handler of the parts, nil without a listener.
func (o *operation) counter() client.MetricsHandler {
	if o.metrics == nil {
		return nil
	}
	return o.metrics.Temporal(workflow.Types()...)
}

// join makes Temporal's client count and trace.
func (o *operation) join(options *client.Options) error {
	options.MetricsHandler = o.counter()
	if o.traces == nil {
		return nil
	}
	tracing, err := telemetry.Interceptor(o.traces)
	options.Interceptors = append(options.Interceptors, tracing)
	return err
}

// watch exports the load of a hashing budget.
func (o *operation) watch(budget *password.Budget) error {
	if o.metrics == nil {
		return nil
	}
	running, err := o.metrics.Meter().Int64ObservableGauge("rekey_hashes_running")
	if err != nil {
		return err
	}
	waiting, err := o.metrics.Meter().Int64ObservableGauge("rekey_hashes_waiting")
	if err != nil {
		return err
	}
	_, err = o.metrics.Meter().RegisterCallback(func(_ context.Context, see metric.Observer) error {
		runs, waits := budget.Load()
		see.ObserveInt64(running, int64(runs))
		see.ObserveInt64(waiting, int64(waits))
		return nil
	}, running, waiting)
	return err
}
