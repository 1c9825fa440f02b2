package replay

import (
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// place locates a step of the code: the workflow task that began at an event, and the name of the
// resulting event, see [happened].
type place struct {
	task int64
	what string
}

// call is the data that the code passes on.
type call struct {
	values   []*commonpb.Payload // in clear
	duration time.Duration       // of a timer
	options  workflow.ActivityOptions
}

// recorder notes the values that the code of one run passes and reads while it is replayed. The
// SDK compares kinds and IDs by itself, and drops the rest.
type recorder struct {
	interceptor.WorkerInterceptorBase
	config Config
	calls  map[place][]call
	reads  []read
}

func newRecorder(c Config) *recorder { return &recorder{config: c, calls: map[place][]call{}} }

func (r *recorder) note(ctx workflow.Context, what string, c call) {
	at := place{int64(workflow.GetInfo(ctx).GetCurrentHistoryLength()), what}
	r.calls[at] = append(r.calls[at], c)
}

// passed are values as the code passes them. The SDK refuses values that cannot be converted.
func (r *recorder) passed(ctx workflow.Context, values ...any) call {
	encoded, err := inWorkflow(ctx, r.config.DataConverter).ToPayloads(values...)
	if err != nil {
		return call{}
	}
	p, err := r.config.Codec.Decode(encoded.GetPayloads())
	if err != nil {
		return call{}
	}
	return call{values: p}
}

// InterceptWorkflow is called once, for the run.
func (r *recorder) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, r}
}

// inbound notes the answers of the code.
type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	*recorder
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.recorder})
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	result, err := i.Next.ExecuteWorkflow(ctx, in)
	switch {
	case err != nil:
	case result == nil: // the SDK writes no value then
		i.note(ctx, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED.String(), call{})
	default:
		i.note(ctx, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED.String(), i.passed(ctx, result))
	}
	return result, err
}

func (i *inbound) ExecuteUpdate(ctx workflow.Context, in *interceptor.UpdateInput) (any, error) {
	result, err := i.Next.ExecuteUpdate(ctx, in)
	if err == nil {
		i.note(ctx, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED.String(), i.passed(ctx, result))
	}
	return result, err
}

// outbound notes the commands of the code.
type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	*recorder
}

func (o *outbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	c := o.passed(ctx, args...)
	c.options = workflow.GetActivityOptions(ctx)
	o.note(ctx, enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED.String()+" "+name, c)
	return o.Next.ExecuteActivity(ctx, name, args...)
}

func (o *outbound) timer(ctx workflow.Context, d time.Duration) {
	if d > 0 { // another is over at once, without an event
		o.note(ctx, enumspb.EVENT_TYPE_TIMER_STARTED.String(), call{duration: d})
	}
}

func (o *outbound) NewTimer(ctx workflow.Context, d time.Duration) workflow.Future {
	o.timer(ctx, d)
	return o.Next.NewTimer(ctx, d)
}

func (o *outbound) NewTimerWithOptions(ctx workflow.Context, d time.Duration, options workflow.TimerOptions) workflow.Future {
	o.timer(ctx, d)
	return o.Next.NewTimerWithOptions(ctx, d, options)
}

func (o *outbound) NewContinueAsNewError(ctx workflow.Context, wfn any, args ...any) error {
	o.note(ctx, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW.String(), o.passed(ctx, args...))
	return o.Next.NewContinueAsNewError(ctx, wfn, args...)
}

// UpsertTypedSearchAttributes notes attributes as one value, by name: the server adds their types
// to their payloads.
func (o *outbound) UpsertTypedSearchAttributes(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	named := map[string]any{}
	for key, value := range temporal.NewSearchAttributes(updates...).GetUntypedValues() {
		named[key.GetName()] = value
	}
	if p, err := converter.GetDefaultDataConverter().ToPayload(named); err == nil {
		o.note(ctx, enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES.String(), call{values: []*commonpb.Payload{p}})
	}
	return o.Next.UpsertTypedSearchAttributes(ctx, updates...)
}
