package cli

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/telemetry"
	"github.com/rekeyhq/rekey/workflow"
)

// The metrics have the name of each workflow and activity of rekey.
func TestTypesAreCountedByName(t *testing.T) {
	t.Parallel()
	metrics, err := telemetry.NewMetrics(t.Context(), "rekey-worker", "test")
	if err != nil {
		t.Fatal(err)
	}
	o := &operation{metrics: metrics}
	for _, name := range append(workflow.Types(), "stranger") {
		o.counter().WithTags(map[string]string{"workflow_type": name}).Counter("seen").Inc(1)
	}
	w := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, name := range append(workflow.Types(), "_OTHER") {
		if !strings.Contains(w.Body.String(), `workflow_type="`+name+`"} 1`) {
			t.Errorf("%s is not counted once by its name", name)
		}
	}
}

func TestOpsListenerThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, args := range [][]string{starterArgs(t), workerArgs(t)} {
		refused(t, append(args, "--ops-listen", taken.Addr().String()), "--ops-listen ($REKEY_OPS_LISTEN)", "address already in use")
	}
}

func TestTracesToNowhere(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	for _, args := range [][]string{starterArgs(t), workerArgs(t)} {
		refused(t, args, "OTEL_TRACES_EXPORTER: want otlp or none")
	}
}
