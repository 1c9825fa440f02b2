package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/rekeyhq/rekey/internal/span"
)

// Metrics is the metrics of a process.
type Metrics struct {
	registry *prometheus.Registry
	meter    metric.Meter
}

// seconds are the buckets of every duration, from a cached read to a run that takes a day.
// OpenTelemetry's own are made for milliseconds.
var seconds = []float64{
	.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400,
}

// NewMetrics collects metrics under the name and version of a service.
func NewMetrics(ctx context.Context, name, version string) (*Metrics, error) {
	who, err := service(ctx, name, version)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	durations := sdk.NewView(
		sdk.Instrument{Name: "*", Kind: sdk.InstrumentKindHistogram},
		sdk.Stream{Aggregation: sdk.AggregationExplicitBucketHistogram{Boundaries: seconds}},
	)
	provider := sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithResource(who), sdk.WithView(durations))
	return &Metrics{registry, provider.Meter(span.Scope)}, nil
}

// Handler answers a scrape. A few at once are enough for all scrapers.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Meter makes metrics that a callback answers for.
func (m *Metrics) Meter() metric.Meter { return m.meter }

// Temporal is the handler of the metrics of Temporal's SDK and rekey's packages. A metric that
// cannot be made is not counted, and no reason for anything to fail. Types are those of rekey's
// workflows and activities: any other name is counted as _OTHER.
func (m *Metrics) Temporal(types ...string) client.MetricsHandler {
	return typed{opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: m.meter, UseMonotonicCounters: true, OnError: func(error) {},
	}), types}
}
