package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/internal/span"
	"github.com/rekeyhq/rekey/password"
)

// failures is the metric that counts answers by their code.
const failures = "rekey_request_failures"

// announce makes every code of the metric known from the start. A counter that appears with its
// first event hides that event from alerts on its increase.
func announce(metrics client.MetricsHandler) {
	codes := []string{
		string(password.TooShort), string(password.TooLong), string(password.TooWeak),
		string(password.Blocked), string(password.Invalid), string(password.Breached),
	}
	for _, p := range problems {
		codes = append(codes, p.Code)
	}
	for _, code := range codes {
		metrics.WithTags(map[string]string{"code": code}).Counter(failures).Inc(0)
	}
}

// traced begins the span of a request. The trace of the sender goes on only when that is a trusted
// proxy. A stranger could otherwise set the trace's ID and order all spans to be kept. No part of
// the request is an attribute: paths hold tokens.
func (h *handler) traced(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if trusted(parseHop(r.RemoteAddr), h.proxies) {
		parent := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header)))
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent.WithTraceState(trace.TraceState{}))
	}
	return h.tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
}

// measured ends the span and counts the request, by OpenTelemetry's conventions for HTTP servers.
// It takes the route's pattern, and never the path.
func (h *handler) measured(r *http.Request, s trace.Span, rec *recorder, took time.Duration) {
	h.metrics.WithTags(map[string]string{
		"http.request.method": methodOf(r), "http.route": routeOf(r), "http.response.status_code": strconv.Itoa(rec.status),
	}).Timer("http.server.request.duration").Record(took)
	if s.IsRecording() {
		describe(s, r, rec)
	}
	s.End()
}

func describe(s trace.Span, r *http.Request, rec *recorder) {
	method := methodOf(r)
	s.SetName(method + " " + routeOf(r))
	s.SetAttributes(
		attribute.String("http.request.method", method), attribute.String("http.route", routeOf(r)),
		attribute.Int("http.response.status_code", rec.status), attribute.String("rekey.code", rec.code),
	)
	if rec.status >= http.StatusInternalServerError {
		s.SetAttributes(attribute.String("error.type", cmp.Or(rec.code, strconv.Itoa(rec.status))))
		s.SetStatus(codes.Error, "")
	}
}

// methodOf is a method of the standard; a client can send any word as one.
func methodOf(r *http.Request) string {
	known := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"}
	if !slices.Contains(known, r.Method) {
		return "_OTHER"
	}
	return r.Method
}

// routeOf is the route's pattern, set by the mux on this very request, without the method.
func routeOf(r *http.Request) string {
	return r.Pattern[strings.Index(r.Pattern, " ")+1:]
}

// tracer makes the spans of requests.
func (c Config) tracer() trace.Tracer {
	provider := c.Traces
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	return provider.Tracer(span.Scope)
}

// traceOf leads from a log line to its trace.
func traceOf(s trace.Span) func(*zerolog.Event) {
	return func(e *zerolog.Event) {
		if s.SpanContext().IsValid() {
			e.Stringer("trace_id", s.SpanContext().TraceID())
		}
	}
}
