package faults

import (
	"context"
	"math"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/workflow"
)

// like makes the test environment like a server in two things.
type like struct {
	interceptor.WorkerInterceptorBase
}

func (*like) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &withRun{}
	in.Next = next
	return in
}

func (*like) InterceptWorkflow(_ sdk.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &patient{}
	in.Next = next
	return in
}

// withRun gives an activity its run ID, as patientCalls gives it to the run: the environment's
// own is no UUID.
type withRun struct {
	interceptor.ActivityInboundInterceptorBase
}

func (w *withRun) Init(out interceptor.ActivityOutboundInterceptor) error {
	info := &runInfo{}
	info.Next = out
	return w.ActivityInboundInterceptorBase.Init(info)
}

type runInfo struct {
	interceptor.ActivityOutboundInterceptorBase
}

func (i *runInfo) GetInfo(ctx context.Context) activity.Info {
	info := i.Next.GetInfo(ctx)
	info.WorkflowExecution.RunID = runID
	return info
}

// patient retries until the time is over: the environment does so ten times only.
type patient struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (p *patient) Init(out interceptor.WorkflowOutboundInterceptor) error {
	calls := &patientCalls{}
	calls.Next = out
	return p.WorkflowInboundInterceptorBase.Init(calls)
}

type patientCalls struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (p *patientCalls) ExecuteActivity(ctx sdk.Context, name string, args ...any) sdk.Future {
	if options := sdk.GetActivityOptions(ctx); options.RetryPolicy != nil {
		policy := *options.RetryPolicy
		policy.MaximumAttempts = math.MaxInt32
		options.RetryPolicy = &policy
		ctx = sdk.WithActivityOptions(ctx, options)
	}
	return p.Next.ExecuteActivity(ctx, name, args...)
}

func (p *patientCalls) GetInfo(ctx sdk.Context) *sdk.Info {
	info := *p.Next.GetInfo(ctx)
	info.WorkflowExecution.RunID, info.OriginalRunID = runID, runID
	return &info
}
