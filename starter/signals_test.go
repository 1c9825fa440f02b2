package starter

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
)

const (
	callerAddr = "192.0.2.7"
	linkRun    = "6b1f3a52-7a0e-4c1d-9e53-0d2f4a6b8c01" // of the links of newFilter
)

// told is a signal of a client to a run.
type told struct {
	Call, Run, Signal string
	Caller            flow.Caller
}

// teller is a client of a Temporal that notes the signals to runs. It answers signals with an
// error, or nil, and nothing else.
type teller struct {
	*filter
	takes error

	signals func(*workflowservice.SignalWorkflowExecutionRequest) // sees each signal; nil sees none

	mu    sync.Mutex
	told  []told
	input flow.Request   // of the last start
	memo  *commonpb.Memo // and its memo
}

func newTeller(t *testing.T, takes error) *teller {
	t.Helper()
	s := &teller{filter: newFilter(t), takes: takes}
	codec, err := s.cfg.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	options := codec.ClientOptions(client.Options{})
	s.data = options.DataConverter
	s.call(t, options, func(_ context.Context, _ string, req, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
		if look, ok := reply.(*workflowservice.DescribeWorkflowExecutionResponse); ok {
			proto.Merge(look, waitingRun())
			look.WorkflowExecutionInfo.Memo = s.memo
		}
		return s.answer(t, req)
	})
	return s
}

func (s *teller) answer(t *testing.T, req any) error {
	t.Helper()
	switch r := req.(type) {
	case *workflowservice.GetSystemInfoRequest:
		return nil
	case *workflowservice.DescribeWorkflowExecutionRequest:
		return s.note(told{Call: "look"}, nil)
	case *workflowservice.SignalWithStartWorkflowExecutionRequest:
		if err := s.data.FromPayloads(r.GetInput(), &s.input); err != nil {
			t.Errorf("the input: %v", err)
		}
		s.memo = r.GetMemo()
		return s.note(told{"signal with start", "", r.GetSignalName(), s.opened(t, r.GetSignalInput())}, s.takes)
	case *workflowservice.SignalWorkflowExecutionRequest:
		if s.signals != nil {
			s.signals(r)
		}
		return s.note(told{"signal", r.GetWorkflowExecution().GetRunId(), r.GetSignalName(), s.opened(t, r.GetInput())}, s.takes)
	case *workflowservice.RequestCancelWorkflowExecutionRequest:
		return s.note(told{Call: "cancel", Run: r.GetWorkflowExecution().GetRunId()}, nil)
	default:
		return status.Error(codes.PermissionDenied, "not in this test")
	}
}

func (s *teller) note(what told, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, what)
	return err
}

// opened is the payload of a signal, which must not be in clear.
func (s *teller) opened(t *testing.T, p *commonpb.Payloads) (c flow.Caller) {
	t.Helper()
	for _, payload := range p.GetPayloads() {
		if bytes.Contains(payload.GetData(), []byte(callerAddr)) || string(payload.GetMetadata()[converter.MetadataEncoding]) == converter.MetadataEncodingJSON {
			t.Error("the signal is in clear")
		}
	}
	if err := s.data.FromPayloads(p, &c); err != nil {
		t.Errorf("the signal: %v", err)
	}
	return c
}

// security 43: a request and "this wasn't me" name their sender to the run, sealed. Without a full
// history the starter does not cancel in Temporal, which records no address.
func TestSignalsSayWhoSentThem(t *testing.T) {
	t.Parallel()
	const address = "ada@example.com"
	disown := func(ctx context.Context, s *teller) error {
		return s.Cancel(ctx, s.token(t, link.Cancel, time.Now().Add(time.Minute)))
	}
	request := func(ctx context.Context, s *teller) error { return s.Request(ctx, address) }
	asked := func(s *teller) told {
		return told{"signal with start", "", flow.RequestSignal, flow.Caller{
			AccountKey: s.accountKeys.Key(address), Client: callerAddr, Locale: "pt-BR", Asked: s.cfg.Now().UTC().Truncate(time.Minute),
		}}
	}
	disowned := told{"signal", linkRun, flow.DisownSignal, flow.Caller{
		AccountKey: strings.Repeat("a", 32), LinkRun: linkRun, Client: callerAddr,
	}}
	full := status.Error(codes.InvalidArgument, "exceeded workflow execution limit for signal events")
	for name, tc := range map[string]struct {
		takes error
		do    func(context.Context, *teller) error
		fails error
		want  func(*teller) []told
	}{
		"request":              {nil, request, nil, func(s *teller) []told { return []told{asked(s)} }},
		"request, full":        {full, request, nil, func(s *teller) []told { return []told{asked(s)} }},
		"not me":               {nil, disown, ErrPending, func(*teller) []told { return []told{disowned} }},
		"not me, full":         {full, disown, ErrPending, func(*teller) []told { return []told{disowned, {Call: "cancel", Run: linkRun}} }},
		"not me, other errors": {status.Error(codes.InvalidArgument, "no"), disown, ErrUnavailable, func(*teller) []told { return []told{disowned} }},
		"not me, no run":       {status.Error(codes.NotFound, "no"), disown, ErrUnavailable, func(*teller) []told { return []told{disowned, {Call: "look"}, {Call: "look"}} }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTeller(t, tc.takes)
			now := time.Now()
			s.cfg.Now = func() time.Time { return now }
			err := tc.do(WithLocale(WithClientAddr(t.Context(), netip.MustParseAddr(callerAddr)), "pt_BR"), s)
			if !errors.Is(err, tc.fails) { // no answer says how the run was settled
				t.Errorf("error: %v", err)
			}
			if d := cmp.Diff(tc.want(s), s.told); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
		})
	}
}

// Requests are merged for half the cool-down and the run mails nothing for the other half.
// Together they pass over no request that comes a whole one after a mail.
func TestTheTwoHalvesOfTheCoolDown(t *testing.T) {
	t.Parallel()
	s := newTeller(t, nil)
	now := time.Now()
	s.cfg.Now, s.cfg.CoolDown = func() time.Time { return now }, time.Minute
	var calls []string
	for _, later := range []time.Duration{0, 30*time.Second - 1, 1, 30*time.Second - 1} {
		now = now.Add(later)
		if err := s.Request(t.Context(), "ada@example.com"); err != nil {
			t.Fatal(err)
		}
		calls = append(calls, s.told[len(s.told)-1].Call)
	}
	if d := cmp.Diff([]string{"signal with start", "look", "signal with start", "look"}, calls); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
	if s.input.MailPause != 30*time.Second {
		t.Errorf("the run mails nothing for %s", s.input.MailPause)
	}
}
