package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rekeyhq/rekey/starter"
)

// tracing is a handler whose spans are kept.
func tracing(t *testing.T, resets starter.Resets, change ...func(*Config)) (http.Handler, *tracetest.SpanRecorder) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	traces := func(c *Config) { c.Traces = trace.NewTracerProvider(trace.WithSpanProcessor(spans)) }
	return newTestHandler(t, resets, append(change, traces)...), spans
}

// security 11: a span has the route and the result of the request, and nothing of its content. The
// path, the query, the body, the address of the client and its program are missing.
func TestSpanHoldsNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h, spans := tracing(t, &fakeResets{err: fmt.Errorf("marked: %w", starter.ErrUnavailable)}, func(c *Config) { c.Log = zerolog.New(&log) })
	exchange(h, "POST", "/account/reset_password/marked-token?email=marked", jsonBody("password", "marked words that are long"),
		asJSON, "User-Agent: marked", "X-Forwarded-For: 198.51.100.77", "Baggage: marked=1", "Tracestate: marked=1",
		"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	got := spans.Ended()
	if len(got) != 1 {
		t.Fatalf("%d spans", len(got))
	}
	want := []attribute.KeyValue{
		attribute.String("http.request.method", "POST"), attribute.String("http.route", "/account/reset_password/{token}"),
		attribute.Int("http.response.status_code", 503), attribute.String("rekey.code", "unavailable"), attribute.String("error.type", "unavailable"),
	}
	if diff := cmp.Diff(want, got[0].Attributes(), cmp.AllowUnexported(attribute.Value{})); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if name := got[0].Name(); name != "POST /account/reset_password/{token}" {
		t.Errorf("name %q", name)
	}
	if status := got[0].Status(); status != (trace.Status{Code: codes.Error}) {
		t.Errorf("status %+v", status)
	}
	if all := fmt.Sprintf("%+v", tracetest.SpanStubsFromReadOnlySpans(got)); strings.Contains(all, "marked") || strings.Contains(all, "198.51.100.77") {
		t.Errorf("the span quotes the request: %s", all)
	}
	if id := got[0].SpanContext().TraceID().String(); !strings.Contains(log.String(), `"trace_id":"`+id+`"`) {
		t.Errorf("the log line does not name the trace %s: %s", id, &log)
	}
}

// A stranger does not choose the trace of a request. A trusted proxy does, and brings nothing else
// along.
func TestTraceOfTheSender(t *testing.T) {
	t.Parallel()
	const theirs = "0af7651916cd43dd8448eb211c80319c"
	for name, tc := range map[string]struct {
		proxies string
		taken   bool
	}{
		"a stranger":      {"203.0.113.0/24", false},
		"a proxy of ours": {"192.0.2.0/24", true}, // the peer of httptest
	} {
		h, spans := tracing(t, &fakeResets{}, func(c *Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(tc.proxies)} })
		exchange(h, "GET", "/api/v1/settings", "", "Traceparent: 00-"+theirs+"-b7ad6b7169203331-01", "Tracestate: marked=1")
		got := spans.Ended()[0]
		if taken := got.SpanContext().TraceID().String() == theirs; taken != tc.taken {
			t.Errorf("%s: the trace is %s", name, got.SpanContext().TraceID())
		}
		if state := got.SpanContext().TraceState().String(); state != "" {
			t.Errorf("%s: trace state %q", name, state)
		}
	}
}
