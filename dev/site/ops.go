package site

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
)

// Ops is the setting that makes a command answer probes and scrapes on a free port.
const Ops = "REKEY_OPS_LISTEN=127.0.0.1:0"

// Probe requests a path of a process that was started with [Ops] and returns the answer.
func Probe(t *testing.T, p *process.Process, path string) (status int, body string) {
	t.Helper()
	var line struct{ Addr string }
	if err := json.Unmarshal([]byte(p.Await(t, p.Err, "probes and metrics are answered")), &line); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + line.Addr + path) //nolint:noctx // the process bounds its answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// Collector takes traces as an OpenTelemetry collector does, and keeps them.
type Collector struct {
	Env []string // makes a command send its traces here

	mu   sync.Mutex
	sent []byte
}

// NewCollector starts one.
func NewCollector(t *testing.T) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.URL.Path == "/v1/traces" {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.sent = append(c.sent, body...)
		}
	}))
	t.Cleanup(server.Close)
	c.Env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
	return c
}

// Sent is all that came, in protobuf, in which texts are in clear.
func (c *Collector) Sent() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{}, c.sent...)
}
