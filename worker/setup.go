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

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// ErrNotSetUp means that the namespace lacks the search attribute that every run
// starts with, so no reset could start there.
var ErrNotSetUp = workflow.ErrNotSetUp

const (
	// learnWait is how long Temporal gets to learn a new search attribute: it reads its namespaces
	// anew every few seconds.
	learnWait  = 30 * time.Second
	learnRetry = 100 * time.Millisecond
)

// Setup registers the search attribute in a namespace and returns when runs can start with it. It
// changes nothing when the attribute is there.
func Setup(ctx context.Context, temporal client.Client, namespace string) error {
	name := workflow.StateAttribute.GetName()
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
	return learned(ctx, temporal, namespace)
}

// learned waits until the frontend accepts the attribute. Before, it lists the attribute and still
// refuses to start a run with it; a query that uses it shows which.
func learned(ctx context.Context, temporal client.Client, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, learnWait)
	defer cancel()
	retry := time.NewTicker(learnRetry)
	defer retry.Stop()
	name := workflow.StateAttribute.GetName()
	query := fmt.Sprintf("%s = '%s'", name, statemachine.StateRequested)
	for {
		_, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		if !errors.As(err, new(*serviceerror.InvalidArgument)) {
			return err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return fmt.Errorf("namespace %s does not take the new search attribute %s yet, run this again: %w", namespace, name, err)
		}
	}
}

func checkSetup(ctx context.Context, temporal client.Client, namespace string) error {
	name := workflow.StateAttribute.GetName()
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
