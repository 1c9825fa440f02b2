package telemetry

import (
	"maps"
	"slices"

	"go.temporal.io/sdk/client"
)

// typed is a handler whose labels name no type of workflow or activity but the given ones. The
// SDK labels requests by their names, known or not. Any client of Temporal chooses these names.
type typed struct {
	client.MetricsHandler
	types []string
}

// WithTags implements client.MetricsHandler.
func (t typed) WithTags(tags map[string]string) client.MetricsHandler {
	tags = maps.Clone(tags)
	for _, label := range []string{"workflow_type", "activity_type"} {
		if name, ok := tags[label]; ok && name != "none" && !slices.Contains(t.types, name) {
			tags[label] = "_OTHER" // OpenTelemetry's name for an unknown value
		}
	}
	return typed{t.MetricsHandler.WithTags(tags), t.types}
}
