package workflow_test

import (
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
)

// attributes notes the values of the search attribute.
type attributes struct {
	interceptor.WorkerInterceptorBase
	values *[]string
}

func (a *attributes) InterceptWorkflow(_ sdk.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &inbound{interceptor.WorkflowInboundInterceptorBase{Next: next}, a.values}
}

type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	values *[]string
}

func (i *inbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&outbound{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.values})
}

type outbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	values *[]string
}

func (o *outbound) UpsertTypedSearchAttributes(ctx sdk.Context, updates ...temporal.SearchAttributeUpdate) error {
	value, _ := temporal.NewSearchAttributes(updates...).GetKeyword(flow.StateAttribute)
	*o.values = append(*o.values, value)
	return o.Next.UpsertTypedSearchAttributes(ctx, updates...)
}
