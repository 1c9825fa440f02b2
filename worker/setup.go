package worker

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/workflow"
)

// ErrNotSetUp means that the namespace lacks the search attribute that every run
// starts with, so no reset could start there.
var ErrNotSetUp = errors.New("the namespace is not set up for rekey: run `rekey setup`")

// Setup registers the search attribute in a namespace. It changes nothing when that
// is done already.
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
	return checkSetup(ctx, temporal, namespace)
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
