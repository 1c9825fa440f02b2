package starter

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/internal/belong"
)

// join looks for the namespace and watches the other processes of the task queue. Without the
// namespace every request would fail, in another product's every mail.
func (c *Client) join(ctx context.Context) error {
	_, err := c.temporal.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: c.namespace})
	if errors.As(err, new(*serviceerror.NamespaceNotFound)) { // any other error may pass, or be a missing right
		return fmt.Errorf("namespace %s: %w", c.namespace, err)
	}
	self, err := belong.Of(belong.Starter, c.cfg.Keys, c.cfg.BaseURL.String(), c.cfg.Product)
	if err != nil {
		return err
	}
	c.stop = belong.Watch{
		Temporal: c.temporal, Namespace: c.namespace, Queue: c.cfg.TaskQueue, Self: self, Log: c.cfg.Log, Tell: c.cfg.Peers,
	}.Start()
	return nil
}
