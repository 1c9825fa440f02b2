// Package telemetry joins a process to OpenTelemetry: it collects metrics for Prometheus and
// sends traces where OpenTelemetry's own variables say.
package telemetry

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

// service names the measured service. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override
// it. Nothing of the machine and the process is added.
func service(ctx context.Context, name, version string) (*resource.Resource, error) {
	found, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", name), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, errors.New("OTEL_RESOURCE_ATTRIBUTES: want name=value,name=value")
	}
	return found, nil
}
