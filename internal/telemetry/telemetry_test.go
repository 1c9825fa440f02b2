package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/telemetry"
)

// scrape is a scrape of Prometheus.
func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.String()
}

// Metrics through Temporal's interface have names by Prometheus's conventions.
func TestNames(t *testing.T) {
	m, err := telemetry.NewMetrics(t.Context(), "rekey-test", "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	labeled := m.Temporal().WithTags(map[string]string{"http.route": "/a/{token}"})
	labeled.Counter("rekey_things").Inc(2)
	labeled.Counter("rekey_things").Inc(0)
	labeled.Timer("http.server.request.duration").Record(7 * time.Millisecond)
	m.Temporal().Gauge("rekey_open_runs").Update(3)
	got := scrape(t, m)
	if !strings.Contains(got, `service_version="v1.2.3"`) {
		t.Errorf("no version in:\n%s", got)
	}
	for _, line := range []string{
		`rekey_things_total{http_route="/a/{token}"} 2`,
		`http_server_request_duration_seconds_bucket{http_route="/a/{token}",le="0.005"} 0`,
		`http_server_request_duration_seconds_bucket{http_route="/a/{token}",le="0.01"} 1`,
		`http_server_request_duration_seconds_bucket{http_route="/a/{token}",le="86400"} 1`,
		`rekey_open_runs 3`,
		`go_goroutines `,
		`service_name="rekey-test"`,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
}

// Any client of Temporal chooses a type's name, so only rekey's become labels.
func TestForeignTypesAreNoLabels(t *testing.T) {
	t.Parallel()
	m, err := telemetry.NewMetrics(t.Context(), "rekey-test", "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	ours := m.Temporal("Ours").WithTags(map[string]string{"task_queue": "rekey"})
	for _, label := range []string{"workflow_type", "activity_type"} {
		for _, name := range []string{"Ours", "none", "erin@example.com"} {
			ours.WithTags(map[string]string{label: name}).Counter("rekey_things").Inc(1)
		}
	}
	got := scrape(t, m)
	for _, line := range []string{
		`task_queue="rekey",workflow_type="Ours"`, `task_queue="rekey",workflow_type="none"`, `task_queue="rekey",workflow_type="_OTHER"`,
		`activity_type="Ours",task_queue="rekey"`, `activity_type="_OTHER",task_queue="rekey"`,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	if strings.Contains(got, "erin") {
		t.Errorf("a foreign name is a label:\n%s", got)
	}
}

// Traces are off unless OpenTelemetry's variables enable them.
func TestWhetherToTrace(t *testing.T) {
	const endpoint = "http://127.0.0.1:1"
	for name, tc := range map[string]struct {
		env  map[string]string
		want string // on, off or part of an error
	}{
		"nothing set":       {nil, "off"},
		"an endpoint":       {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, "on"},
		"one for traces":    {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint}, "on"},
		"gRPC":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "want http/protobuf"},
		"the default place": {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, "on"},
		"none":              {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_TRACES_EXPORTER": "none"}, "off"},
		"disabled":          {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_SDK_DISABLED": "true"}, "off"},
		"another exporter":  {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: want otlp or none"},
		"another protocol":  {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "want http/protobuf"},
		"bad attributes":    {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_RESOURCE_ATTRIBUTES": "marked"}, "OTEL_RESOURCE_ATTRIBUTES: want"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_SDK_DISABLED",
				"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_RESOURCE_ATTRIBUTES",
			} {
				t.Setenv(variable, tc.env[variable])
			}
			provider, err := telemetry.NewTraces(t.Context(), "rekey-test", "v1.2.3")
			got := "off"
			switch {
			case err != nil:
				got = err.Error()
			case provider != nil:
				got = "on"
				if err := provider.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if !strings.HasPrefix(got, tc.want) && !strings.HasSuffix(got, tc.want) || strings.Contains(got, "marked") {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
