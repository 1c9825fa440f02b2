package telemetry

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/internal/span"
)

// Interceptor carries a trace through Temporal, from the caller of a run to its activities. In
// Temporal the header with it is in clear. So it holds the IDs of the trace and no baggage,
// which callers choose.
//
// Anybody with access to Temporal can send a header of any content. An invalid one begins
// another trace; by default the SDK would fail the run.
func Interceptor(provider trace.TracerProvider) (interceptor.Interceptor, error) {
	return opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer:                  provider.Tracer(span.Scope),
		TextMapPropagator:       propagation.TraceContext{},
		DisableBaggage:          true,
		AllowInvalidParentSpans: true,
		SpanStarter: func(ctx context.Context, t trace.Tracer, name string, options ...trace.SpanStartOption) trace.Span {
			_, s := t.Start(ctx, name, options...)
			return &reserved{Span: s}
		},
	})
}

// reserved is a span that records the type of an error and not its text. It knows which errors
// of the SDK are none.
type reserved struct {
	trace.Span
	fine bool
}

// RecordError implements trace.Span.
func (r *reserved) RecordError(err error, _ ...trace.EventOption) {
	var next *workflow.ContinueAsNewError
	r.fine = err == nil || errors.Is(err, activity.ErrResultPending) || errors.As(err, &next)
	if !r.fine {
		r.SetAttributes(attribute.String("error.type", fmt.Sprintf("%T", err)))
	}
}

// SetStatus implements trace.Span. The SDK calls it after RecordError.
func (r *reserved) SetStatus(code codes.Code, _ string) {
	if code != codes.Error || !r.fine {
		r.Span.SetStatus(code, "")
	}
}
