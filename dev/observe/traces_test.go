package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"
	sdkworkflow "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/telemetry"
	"github.com/rekeyhq/rekey/workflow"
)

// lab is the product in one process, whose spans are kept.
type lab struct {
	*stack.Stack
	spans *tracetest.SpanRecorder
	who   account.Account
}

// newLab starts one, with or without traces.
func newLab(t *testing.T, traced bool, change ...func(*stack.Config)) *lab {
	t.Helper()
	l := &lab{spans: tracetest.NewSpanRecorder(), who: site.Person("marked.owner")}
	cfg := stack.Throwaway(t.TempDir())
	if traced {
		cfg.Traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(l.spans))
		tracing, err := telemetry.Interceptor(cfg.Traces)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Client.Interceptors = []interceptor.ClientInterceptor{tracing}
	}
	for _, c := range change {
		c(&cfg)
	}
	l.Stack = stacktest.Start(t, cfg)
	if err := l.Store.Put(t.Context(), l.who); err != nil {
		t.Fatal(err)
	}
	return l
}

// post sends JSON, again while there is no answer to it yet, and checks the status.
func (l *lab) post(t *testing.T, want int, path string, body map[string]string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	process.Eventually(t, patience, "an answer to POST "+path, func() bool {
		resp, err := http.Post(l.URL+path, "application/json", bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusServiceUnavailable {
			return false
		}
		if resp.StatusCode != want {
			t.Fatalf("POST %s: %d, want %d", path, resp.StatusCode, want)
		}
		return true
	})
}

// submit submits a password. The notice waits for the answer, so that it comes from the run
// itself: an ended one is queried in another way.
func (l *lab) submit(t *testing.T, token string) {
	t.Helper()
	answered := make(chan struct{})
	defer close(answered)
	l.Mail.Fail(func(inbox.Message) error { <-answered; return nil })
	l.post(t, 200, "/account/reset_password/"+token, map[string]string{"password": newPassword})
}

// mailed waits for the owner's n-th mail.
func (l *lab) mailed(t *testing.T, n int) string {
	t.Helper()
	mails, err := l.Mail.Wait(t.Context(), l.who.Address, n)
	if err != nil {
		t.Fatal(err)
	}
	return mails[n-1].Text
}

// reset carries out a reset and returns the token and the history.
func (l *lab) reset(t *testing.T) (string, *historypb.History) {
	t.Helper()
	l.post(t, 200, "/account/forgot_password", map[string]string{"email": l.who.Address})
	token := site.ResetLink.FindStringSubmatch(l.mailed(t, 1))[1]
	process.Eventually(t, patience, "the timer of the link", func() bool { return kinds(l.events(t, false))["TimerStarted"] == 1 })
	l.submit(t, token)
	l.mailed(t, 2)
	return token, l.history(t)
}

// client is one without keys.
func (l *lab) client(t *testing.T) client.Client {
	t.Helper()
	c, err := client.Dial(l.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func (l *lab) id(t *testing.T) string {
	t.Helper()
	keys, err := l.Keys.AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return workflow.ResetPassword.ID(keys.Key(l.who.Address))
}

// history waits for the end of the run.
func (l *lab) history(t *testing.T) *historypb.History {
	t.Helper()
	return l.events(t, true)
}

// events are those of the run so far, or all of them once it has ended.
func (l *lab) events(t *testing.T, ended bool) *historypb.History {
	t.Helper()
	all := &historypb.History{}
	events := l.client(t).GetWorkflowHistory(t.Context(), l.id(t), "", ended, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		all.Events = append(all.Events, event)
	}
	return all
}

// ended waits until a span with the name has ended.
func (l *lab) ended(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var found sdktrace.ReadOnlySpan
	process.Eventually(t, patience, "the end of span "+name, func() bool {
		for _, s := range l.spans.Ended() {
			if s.Name() == name {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// path is the way from a span up to the one that has no parent.
func (l *lab) path(s sdktrace.ReadOnlySpan) []string {
	byID := map[trace.SpanID]sdktrace.ReadOnlySpan{}
	for _, each := range l.spans.Started() {
		byID[each.SpanContext().SpanID()] = each
	}
	var names []string
	for s != nil {
		names = append(names, s.Name())
		s = byID[s.Parent().SpanID()]
	}
	return names
}

// One trace leads from the request over HTTP through Temporal to the store and the mail
// server; that of the submission leads to the decision.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	l.reset(t)
	request := "POST /account/forgot_password"
	run := []string{"RunWorkflow:ResetPassword", "SignalWithStartWorkflow:ResetPassword", request}
	email := append([]string{"RunActivity:send-email", "StartActivity:send-email"}, run...)
	for name, above := range map[string][]string{
		"store issue_token":      email,
		"mail link":              email,
		"store change_password":  append([]string{"RunActivity:change-password", "StartActivity:change-password"}, run...),
		"mail notice":            email,
		"UpdateWorkflow:outcome": {"POST /account/reset_password/{token}"},
		"HandleUpdate:outcome":   {"UpdateWorkflow:outcome", "POST /account/reset_password/{token}"},
	} {
		if diff := cmp.Diff(append([]string{name}, above...), l.path(l.ended(t, name))); diff != "" {
			t.Errorf("above %s (-want +got):\n%s", name, diff)
		}
	}
	first := l.ended(t, request).SpanContext().TraceID()
	if got := l.ended(t, "store change_password").SpanContext().TraceID(); got != first {
		t.Errorf("the change is in trace %s, the request in %s", got, first)
	}
	for name, status := range l.outcomes() {
		if status == codes.Error {
			t.Errorf("%s is marked as an error", name)
		}
	}
}

// outcomes are how the last spans of each name ended. A busy machine may need several.
func (l *lab) outcomes() map[string]codes.Code {
	last := map[string]codes.Code{}
	for _, s := range l.spans.Ended() {
		last[s.Name()] = s.Status().Code
	}
	return last
}

// security 11: of all spans of a reset, none holds an address, a token, a password or a hash.
func TestSpansTellNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	token, _ := l.reset(t)
	l.post(t, 400, "/account/reset_password/"+token, map[string]string{"password": "another " + newPassword})
	l.post(t, 400, "/account/reset_password/"+token+"x?email="+l.who.Address, map[string]string{"password": newPassword})
	now, err := l.Store.Account(t.Context(), l.who.ID)
	if err != nil {
		t.Fatal(err)
	}
	var begun []sdktrace.ReadOnlySpan
	for _, s := range l.spans.Started() { // those that have ended are among them
		begun = append(begun, s)
	}
	all := fmt.Sprintf("%+v", tracetest.SpanStubsFromReadOnlySpans(begun))
	if !strings.Contains(all, "RunActivity:change-password") || !strings.Contains(all, "/account/reset_password/{token}") {
		t.Fatalf("the spans of the reset are not there: %s", all)
	}
	for _, mark := range []string{l.who.Address, "marked.owner", token[:40], token[40:80], newPassword, "127.0.0.1", "argon2id", now.Credential[40:]} {
		if strings.Contains(all, mark) {
			t.Errorf("a span holds %s", mark)
		}
	}
}

// headers are all that events carry beside their payloads.
func headers(h *historypb.History) []*commonpb.Header {
	var found []*commonpb.Header
	for _, e := range h.GetEvents() {
		found = append(
			found, e.GetWorkflowExecutionStartedEventAttributes().GetHeader(), e.GetWorkflowExecutionSignaledEventAttributes().GetHeader(),
			e.GetActivityTaskScheduledEventAttributes().GetHeader(), e.GetWorkflowExecutionUpdateAcceptedEventAttributes().GetAcceptedRequest().GetInput().GetHeader(),
		)
	}
	return slices.DeleteFunc(found, func(h *commonpb.Header) bool { return len(h.GetFields()) == 0 })
}

// security 11: a header with the IDs of a trace goes through Temporal in clear. All other data
// that a caller attaches to its request stays outside.
func TestHeaderHoldsTraceIDsOnly(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	member, err := baggage.NewMember("marked", "marked")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := l.Traces.Tracer("host").Start(baggage.ContextWithBaggage(t.Context(), bag), "of the host application")
	defer span.End()
	if err := l.Starter.Request(ctx, l.who.Address); err != nil {
		t.Fatal(err)
	}
	l.mailed(t, 1)
	_, history := l.reset(t)
	found := headers(history)
	if len(found) < 5 {
		t.Fatalf("%d headers", len(found))
	}
	for _, h := range found {
		var held map[string]string
		if err := json.Unmarshal(h.GetFields()["_tracer-data"].GetData(), &held); err != nil {
			t.Fatalf("%v: %v", h, err)
		}
		if len(h.GetFields()) != 1 || len(held) != 1 || len(held["traceparent"]) != 55 {
			t.Errorf("header %v", h)
		}
	}
}

// kinds are the types of a history's events, as far as rekey decides their order.
func kinds(h *historypb.History) map[string]int {
	count := map[string]int{}
	for _, e := range h.GetEvents() {
		if kind := e.GetEventType().String(); !strings.HasPrefix(kind, "WorkflowTask") {
			count[kind]++
		}
	}
	return count
}

// A worker replays with traces a run that was recorded without, and the other way round. Traces
// change nothing of a history but its headers, so they cost no action either.
func TestTracesLeaveHistoriesAsTheyAre(t *testing.T) {
	t.Parallel()
	traced, plain := newLab(t, true), newLab(t, false)
	_, with := traced.reset(t)
	_, without := plain.reset(t)
	if diff := cmp.Diff(kinds(without), kinds(with)); diff != "" {
		t.Errorf("events (-without +with):\n%s", diff)
	}
	if n := len(headers(without)); n > 0 {
		t.Errorf("%d headers without traces", n)
	}
	spans := tracetest.NewSpanRecorder()
	tracing, err := telemetry.Interceptor(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)))
	if err != nil {
		t.Fatal(err)
	}
	plain.replay(t, without, tracing)
	traced.replay(t, with)
	for _, s := range spans.Started() {
		if strings.HasPrefix(s.Name(), "StartActivity") {
			t.Errorf("a replay makes the span %s", s.Name())
		}
	}
}

func (l *lab) replay(t *testing.T, h *historypb.History, with ...interceptor.WorkerInterceptor) {
	t.Helper()
	codec, err := l.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	options := codec.ClientOptions(l.TemporalOptions())
	r, err := sdk.NewWorkflowReplayerWithOptions(sdk.WorkflowReplayerOptions{
		DataConverter: options.DataConverter, FailureConverter: options.FailureConverter, Interceptors: with,
		DisableDeadlockDetection: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.RegisterWorkflowWithOptions(workflow.ResetPassword.Run, sdkworkflow.RegisterOptions{Name: workflow.ResetPassword.Name})
	run := sdkworkflow.Execution{ID: l.id(t), RunID: h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()}
	if err := r.ReplayWorkflowHistoryWithOptions(nil, h, sdk.ReplayWorkflowHistoryOptions{OriginalExecution: run}); err != nil {
		t.Errorf("replay: %v", err)
	}
}

// security 27: any client of Temporal can send a header of any content. It stops no reset.
func TestStrangersHeader(t *testing.T) {
	t.Parallel()
	l := newLab(t, true)
	l.post(t, 200, "/account/forgot_password", map[string]string{"email": l.who.Address})
	token := site.ResetLink.FindStringSubmatch(l.mailed(t, 1))[1]
	for _, data := range []string{`"no map"`, `{"traceparent":"00-none"}`, `{{`, ``} {
		header := &commonpb.Header{Fields: map[string]*commonpb.Payload{"_tracer-data": {
			Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data),
		}}}
		_, err := l.client(t).WorkflowService().SignalWorkflowExecution(t.Context(), &workflowservice.SignalWorkflowExecutionRequest{
			Namespace: "default", WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: l.id(t)},
			SignalName: flow.RequestSignal, Header: header,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	l.post(t, 200, "/account/reset_password/"+token, map[string]string{"password": newPassword})
	last := l.history(t).GetEvents()
	if got := last[len(last)-1].GetEventType(); got != enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED {
		t.Errorf("the run ends with %s", got)
	}
}
