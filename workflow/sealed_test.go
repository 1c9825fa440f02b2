package workflow_test

import (
	"context"
	"os"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/keys"
)

// keysets are two ages of one keyset: before and after a rotation.
var keysets = sync.OnceValue(func() (both struct{ before, after converter.DataConverter }) {
	dir, err := os.MkdirTemp("", "keys")
	must(err)
	defer os.RemoveAll(dir)
	must(keys.Create(dir+"/keys", true))
	load := func() converter.DataConverter {
		codec, err := keys.Open(dir+"/keys", keys.AllowDev).Payload()
		must(err)
		return keys.DataConverter(codec)
	}
	both.before = load()
	id, err := keys.Add(dir+"/keys", keys.Payload)
	must(err)
	must(keys.Promote(dir+"/keys", keys.Payload, id))
	both.after = load()
	return both
})

// sealed is the data converter of all processes.
func sealed() converter.DataConverter { return keysets().before }

// postbox is a data converter that leaves a payload as it is, so that a test can send payloads
// without keys.
type postbox struct{ converter.DataConverter }

func (p postbox) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	if len(values) == 1 {
		if raw, ok := values[0].(*commonpb.Payloads); ok {
			return raw, nil
		}
	}
	return p.DataConverter.ToPayloads(values...)
}

// WithWorkflowContext and WithContext implement workflow.ContextAware, so that the
// real converter can.
func (p postbox) WithWorkflowContext(ctx workflow.Context) converter.DataConverter {
	if aware, ok := p.DataConverter.(workflow.ContextAware); ok {
		return postbox{aware.WithWorkflowContext(ctx)}
	}
	return p
}

func (p postbox) WithContext(context.Context) converter.DataConverter { return p }

// inClear is a value as a client without the codec sends it.
func inClear(value any) *commonpb.Payloads {
	raw, err := converter.GetDefaultDataConverter().ToPayloads(value)
	must(err)
	return raw
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
