// Package span adds a step to the trace that a call is part of. A call that is part of
// none, as in a program that traces nothing, costs nothing.
package span

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Scope is the instrumentation scope of this module's spans.
const Scope = "github.com/rekeyhq/rekey"

// Start begins a step. The name and the result passed to end are fixed words: no error text
// and nothing of the call gets into a trace. A bad result is marked as an error.
func Start(ctx context.Context, name string) (_ context.Context, end func(result string, bad bool)) {
	ctx, s := trace.SpanFromContext(ctx).TracerProvider().Tracer(Scope).Start(ctx, name)
	return ctx, func(result string, bad bool) {
		s.SetAttributes(attribute.String("rekey.result", result))
		if bad {
			s.SetStatus(codes.Error, "")
		}
		s.End()
	}
}
