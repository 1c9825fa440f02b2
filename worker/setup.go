package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// ErrNotSetUp means that the namespace lacks the search attribute that every run
// starts with, so no reset could start there.
var ErrNotSetUp = flow.ErrNotSetUp

const (
	// learnWait is how long Temporal gets to learn a namespace or a search attribute: it reads its
	// namespaces anew every few seconds.
	learnWait  = 30 * time.Second
	learnRetry = 100 * time.Millisecond
)

// CreateNamespace registers a namespace that keeps ended runs for so long, at least a day. It changes
// nothing of one that is there. It returns when the frontend knows the namespace.
func CreateNamespace(ctx context.Context, temporal client.Client, namespace string, retention time.Duration) error {
	_, err := temporal.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create namespace %s: %w", namespace, err)
	}
	return learned(ctx, "namespace "+namespace, func(ctx context.Context) (bool, error) {
		_, err := temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		return errors.As(err, new(*serviceerror.NamespaceNotFound)), err
	})
}

// Setup registers the search attribute in a namespace and returns when runs can start with it. It
// changes nothing when the attribute is there.
func Setup(ctx context.Context, temporal client.Client, namespace string) error {
	name := flow.StateAttribute.GetName()
	_, err := temporal.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace:        namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{name: enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register search attribute %s in namespace %s: %w", name, namespace, err)
	}
	if err := checkSetup(ctx, temporal, namespace); err != nil {
		return err
	}
	// Before, the frontend lists the attribute and still refuses to start a run with it; a query
	// that uses it shows which.
	query := fmt.Sprintf("%s = '%s'", name, statemachine.StateRequested)
	return learned(ctx, "search attribute "+name, func(ctx context.Context) (bool, error) {
		_, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		return errors.As(err, new(*serviceerror.InvalidArgument)), err
	})
}

// learned waits until the frontend knows something new. The question says whether it does not yet.
func learned(ctx context.Context, what string, unknown func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, learnWait)
	defer cancel()
	retry := time.NewTicker(learnRetry)
	defer retry.Stop()
	for {
		not, err := unknown(ctx)
		if !not {
			return err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return fmt.Errorf("the new %s is not known to Temporal yet, run this again: %w", what, err)
		}
	}
}

func checkSetup(ctx context.Context, temporal client.Client, namespace string) error {
	name := flow.StateAttribute.GetName()
	known, err := temporal.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list search attributes of namespace %s: %w", namespace, err)
	}
	switch kind, ok := known.GetCustomAttributes()[name]; {
	case !ok:
		return fmt.Errorf("search attribute %s is missing in namespace %s: %w", name, namespace, ErrNotSetUp)
	case kind != enumspb.INDEXED_VALUE_TYPE_KEYWORD:
		return fmt.Errorf("search attribute %s of namespace %s is %s, want Keyword: remove it, then run `rekey setup`", name, namespace, kind)
	}
	return nil
}
