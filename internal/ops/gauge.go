package ops

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Observe exports each check as the metric rekey_check_up: 1 when it is up, 0 when it is not.
func (h *Health) Observe(meter metric.Meter) error {
	_, err := meter.Int64ObservableGauge("rekey_check_up",
		metric.WithDescription("Whether what the process needs answered when it was last checked."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for name, state := range h.Report().Checks {
				up := int64(0)
				if state == "up" {
					up = 1
				}
				o.Observe(up, metric.WithAttributes(attribute.String("check", name)))
			}
			return nil
		}))
	return err
}
