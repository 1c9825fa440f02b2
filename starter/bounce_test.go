package starter

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/telemetry"
	"github.com/rekeyhq/rekey/keys"
)

func messageID(t *testing.T, f *filter, kind string) string {
	t.Helper()
	id, err := f.messageIDs.Seal(keys.LinkMail{Flow: kind, AccountKey: strings.Repeat("a", 32), RunID: linkRun, Name: strings.Repeat("0", 32)})
	if err != nil {
		t.Fatal(err)
	}
	return "<" + id + "@id.example.com>"
}

// security 27: a Message-ID that was forged, or is of a mail without a link, costs no call.
func TestForgedBounce(t *testing.T) {
	t.Parallel()
	f := newFilter(t)
	genuine := messageID(t, f, "reset")
	foreign := messageID(t, newFilter(t), "reset")
	for _, id := range []string{"", "6c1f0c5a4f4b0f0e8f6a0d3b2c1a0987@id.example.com", "x" + genuine, foreign, strings.Repeat("A", 1<<14)} {
		if err := f.Bounced(t.Context(), id, flow.MailComplaint); !errors.Is(err, ErrMessageUnknown) {
			t.Errorf("%.60q: %v", id, err)
		}
	}
	if n := f.calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
	if err := f.Bounced(t.Context(), genuine, flow.MailComplaint); !errors.Is(err, ErrUnavailable) || f.calls.Load() == 0 {
		t.Errorf("a genuine one: %v, %d calls", err, f.calls.Load())
	}
}

// A bounce is told to the open run of its account and flow, sealed. Without an open run nobody is told.
func TestBounceIsTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		takes error
		flow  string
		fails error
	}{
		"open":       {nil, "reset", nil},
		"invitation": {nil, "invitation", nil},
		"ended":      {status.Error(codes.NotFound, "no"), "reset", nil},
		"full":       {status.Error(codes.InvalidArgument, "exceeded workflow execution limit for signal events"), "reset", nil},
		"refused":    {status.Error(codes.InvalidArgument, "no"), "reset", ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTeller(t, tc.takes)
			metrics, err := telemetry.NewMetrics(t.Context(), "rekey-starter", "test")
			if err != nil {
				t.Fatal(err)
			}
			s.cfg.Temporal.MetricsHandler = metrics.Temporal()
			s.announce()
			var log bytes.Buffer
			s.cfg.Log = zerolog.New(&log)
			var got flow.Bounce
			var to string
			s.signals = func(r *workflowservice.SignalWorkflowExecutionRequest) {
				to = r.GetWorkflowExecution().GetWorkflowId()
				if err := s.data.FromPayloads(r.GetInput(), &got); err != nil {
					t.Error(err)
				}
			}
			if err := s.Bounced(t.Context(), messageID(t, s.filter, tc.flow), flow.MailBounced); !errors.Is(err, tc.fails) {
				t.Errorf("error: %v", err)
			}
			want := []told{{"signal", "", flow.BounceSignal, flow.Caller{AccountKey: strings.Repeat("a", 32), Run: linkRun}}}
			if d := cmp.Diff(want, s.told); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
			if said := strings.Contains(log.String(), linkRun); said != (name == "ended") {
				t.Errorf("the log: %s", &log)
			}
			counted := 1
			if tc.fails != nil {
				counted = 0
			}
			w := httptest.NewRecorder()
			metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			for _, line := range []string{fmt.Sprintf(`rekey_bounces_total{kind="bounce"} %d`, counted), `rekey_bounces_total{kind="complaint"} 0`} {
				if !strings.Contains(w.Body.String(), line+"\n") {
					t.Errorf("want %s", line)
				}
			}
			if d := cmp.Diff(flow.Bounce{AccountKey: strings.Repeat("a", 32), Run: linkRun, Kind: flow.MailBounced}, got); d != "" || to != tc.flow+"/"+strings.Repeat("a", 32) {
				t.Errorf("to %s (-want +got):\n%s", to, d)
			}
		})
	}
}
