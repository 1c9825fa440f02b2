package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/belong"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/workflow"
)

// ErrReadOnly means that a [Client] that was opened for reading got a call that writes.
var ErrReadOnly = errors.New("the client of operators is read-only")

var errNoKeys = errors.New("the client of operators has no keys: name their folder")

// Config has the settings of a [Client]. Fields with a default may be zero.
type Config struct {
	// Temporal has the address, namespace, TLS and credentials of the server.
	Temporal client.Options
	// Keys is the folder of keysets: account.json names the runs of an address, and payload.json
	// opens their contents. List and Stats need neither, so a read-only client may have none.
	Keys keys.Dir
	// TaskQueue is that of the workers; default flow.TaskQueue.
	TaskQueue string
	// ReadOnly makes payload.json optional. Cancel and Resend are then ErrReadOnly.
	ReadOnly bool
}

// Client works on the runs of one task queue: on resets, invitations and forced resets. It is safe for
// concurrent use.
type Client struct {
	temporal  client.Client
	namespace string
	queue     string
	readOnly  bool
	keys      keys.Dir
	payloads  converter.DataConverter // nil without payload.json
	only      []flow.Definition       // nil for the flows of rekey
}

// Dial reads payload.json, connects to Temporal and returns a client. The context bounds the
// connecting. An unusable keyset is an error before anything is sent.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	c := &Client{keys: cfg.Keys, queue: cmp.Or(cfg.TaskQueue, flow.TaskQueue), readOnly: cfg.ReadOnly}
	options := cfg.Temporal
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	options.HostPort = cmp.Or(options.HostPort, client.DefaultHostPort)
	c.namespace = options.Namespace
	codec, err := c.codec()
	if err != nil {
		return nil, err
	}
	if codec != nil {
		options = starter.Describing(codec.ClientOptions(options))
		c.payloads = options.DataConverter
	}
	if c.temporal, err = client.DialContext(ctx, options); err != nil {
		return nil, fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	return c, nil
}

// codec is nil for a client that reads and has no payload.json.
func (c *Client) codec() (*keys.Codec, error) {
	if c.keys.IsZero() {
		if c.readOnly {
			return nil, nil //nolint:nilnil // there is none
		}
		return nil, errNoKeys
	}
	codec, err := c.keys.Payload()
	if c.readOnly && errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none
	}
	return codec, err
}

// Of returns a client of the runs of these flows, also of an application's own. It shares connection
// and keys with c, and ends with it.
func (c *Client) Of(flows ...flow.Definition) *Client {
	other := *c
	other.only = flows
	return &other
}

func (c *Client) flows() []flow.Definition {
	if c.only == nil {
		return workflow.Flows()
	}
	return c.only
}

// flowOf is the flow of a workflow ID, false for that of another workflow.
func (c *Client) flowOf(workflowID string) (flow.Definition, bool) {
	for _, d := range c.flows() {
		if d.Owns(workflowID) {
			return d, true
		}
	}
	return flow.Definition{}, false
}

// Close ends the connection.
func (c *Client) Close() { c.temporal.Close() }

// Namespace is that of Temporal in which the client works.
func (c *Client) Namespace() string { return c.namespace }

// Mismatches returns the processes that do not belong together, or with the keys of this client.
// They explain a reset that no worker carries out. It is empty when all belong together, and when
// Temporal does not answer.
func (c *Client) Mismatches(ctx context.Context) []string {
	var asking []belong.Mark
	if c.payloads != nil {
		if own, err := belong.OfPayload("this command, process", c.keys); err == nil {
			asking = append(asking, own)
		}
	}
	wrong, ok := errors.AsType[*belong.Mismatch](belong.Look(ctx, c.temporal, c.namespace, c.queue, asking...))
	if !ok {
		return nil
	}
	return wrong.Reasons
}

// open reads sealed payloads into values. Errors: keys.ErrForeign for payloads of others,
// keys.ErrUnknownKey for payloads that no key of this client opens.
func (c *Client) open(sealed *commonpb.Payloads, to ...any) error {
	if c.payloads == nil {
		return keys.ErrUnknownKey
	}
	return c.payloads.FromPayloads(sealed, to...)
}
