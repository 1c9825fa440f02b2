package replay_test

import (
	"context"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rekeyhq/rekey/replay"
)

func lasting(d time.Duration) *durationpb.Duration { return durationpb.New(d) }

// napped is the history of a whole run without input and result.
func napped() *historypb.History {
	task := history("", nil).Events[1:]
	h := history("nap", nil, append([]*historypb.HistoryEvent{
		{
			EventType: enumspb.EVENT_TYPE_TIMER_STARTED,
			Attributes: &historypb.HistoryEvent_TimerStartedEventAttributes{
				TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{TimerId: "5", StartToFireTimeout: lasting(time.Hour)},
			},
		},
		{
			EventType: enumspb.EVENT_TYPE_TIMER_FIRED,
			Attributes: &historypb.HistoryEvent_TimerFiredEventAttributes{
				TimerFiredEventAttributes: &historypb.TimerFiredEventAttributes{TimerId: "5", StartedEventId: 5},
			},
		},
	}, append(task, &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{},
		},
	})...)...)
	return h
}

// shop has the SDK's own converters, without a codec.
func shop(t *testing.T, c replay.Config) *replay.Replayer {
	t.Helper()
	c.Workflows = map[string]any{"ship": ship, "nap": nap}
	r, err := replay.New(c)
	must(t, err)
	return r
}

func TestAnotherWorkflow(t *testing.T) {
	t.Parallel()
	for want, h := range map[string]*historypb.History{
		"": shipped("pack", order{Article: "lamp", Size: "L"}),
		"event 1 WorkflowExecutionStarted: the code reads no Colour":          shipped("pack", map[string]string{"Article": "lamp", "Size": "L", "Colour": "red"}),
		"the history is damaged: it is of another workflow than nap and ship": history("bill", nil),
	} {
		_, err := shop(t, replay.Config{}).Check(h)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWorkflowWithoutResult(t *testing.T) {
	t.Parallel()
	_, err := shop(t, replay.Config{}).Check(napped())
	must(t, err)
}

// An order where a receipt belongs is a divergence, unless both are values that cross Temporal.
func TestValuesOfTheHost(t *testing.T) {
	t.Parallel()
	h := shipped("pack", receipt{Parcels: 2})
	h.Events = h.Events[:4] // the result of an order without an article is not compared
	_, err := shop(t, replay.Config{Values: []any{&order{}}}).Check(h)
	if err == nil {
		t.Error("a type that is not listed fits")
	}
	_, err = shop(t, replay.Config{Values: []any{&order{}, &receipt{}}}).Check(h)
	if err == nil || err.Error() != "event 4 WorkflowTaskCompleted: the code also schedules pack" {
		t.Error(err)
	}
}

// upper is a data converter that writes values its own way.
type upper struct{ converter.DataConverter }

func (u upper) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	p, err := u.DataConverter.ToPayloads(values...)
	for _, p := range p.GetPayloads() {
		p.Metadata["encoding"] = []byte("json/upper")
	}
	return p, err
}

func (u upper) FromPayloads(p *commonpb.Payloads, to ...any) error {
	var own commonpb.Payloads
	for _, p := range p.GetPayloads() {
		own.Payloads = append(own.Payloads, &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: p.GetData()})
	}
	return u.DataConverter.FromPayloads(&own, to...)
}

// outside is the converter of a worker's options. In workflow code the SDK takes another one.
type outside struct{ converter.DataConverter }

func (o outside) WithWorkflowContext(sdk.Context) converter.DataConverter { return upper(o) }
func (o outside) WithContext(context.Context) converter.DataConverter     { return o }

// Values are written by the converter of the host in workflow code, not by the default one.
func TestConverterOfTheHost(t *testing.T) {
	t.Parallel()
	h := shipped("pack", order{Article: "lamp"})
	for _, p := range h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads() {
		p.Metadata["encoding"] = []byte("json/upper") // also that of the activity: it is the same value
	}
	for _, own := range []converter.DataConverter{upper{converter.GetDefaultDataConverter()}, outside{converter.GetDefaultDataConverter()}} {
		_, err := shop(t, replay.Config{DataConverter: own}).Check(h)
		must(t, err)
	}
}
