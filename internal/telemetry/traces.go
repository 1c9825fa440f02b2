package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// NewTraces sends the traces of a service where OTEL_EXPORTER_OTLP_ENDPOINT, or its like for
// traces only, says. It returns nil when neither is set, or OTEL_TRACES_EXPORTER is none.
// OpenTelemetry itself reads the other variables (headers, certificates, sampler, limits).
// Shutdown sends the remaining spans.
func NewTraces(ctx context.Context, name, version string) (*sdk.TracerProvider, error) {
	if !wanted() {
		return nil, nil
	}
	who, err := service(ctx, name, version)
	if err != nil {
		return nil, err
	}
	out, err := exporter(ctx)
	if err != nil {
		return nil, err
	}
	return sdk.NewTracerProvider(sdk.WithBatcher(out), sdk.WithResource(who)), nil
}

func wanted() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), os.Getenv("OTEL_TRACES_EXPORTER")) != ""
}

// exporter speaks OTLP over HTTP. A variable with another protocol is an error (OpenTelemetry
// Protocol Exporter).
func exporter(ctx context.Context) (sdk.SpanExporter, error) {
	if kind := os.Getenv("OTEL_TRACES_EXPORTER"); kind != "" && kind != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER: want otlp or none, not %q", kind)
	}
	if protocol := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf"); protocol != "http/protobuf" {
		return nil, errors.New("OTEL_EXPORTER_OTLP_PROTOCOL: want http/protobuf")
	}
	return otlptracehttp.New(ctx)
}
