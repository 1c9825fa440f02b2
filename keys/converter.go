package keys

import (
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// ClientOptions returns the options of a Temporal client whose payloads and failure
// texts are sealed. Every client of a namespace must be made with them.
func (c *Codec) ClientOptions(o client.Options) client.Options {
	o.DataConverter = DataConverter(c)
	o.FailureConverter = FailureConverter(o.DataConverter)
	return o
}

// DataConverter converts values to sealed payloads. In workflow code, a payload under a
// key that the worker lacks panics: that fails the workflow task, also that of a run's
// own input, and Temporal offers it again until a worker with the key takes it. An error
// there would be a branch that depends on which keys a worker has.
func DataConverter(c *Codec) converter.DataConverter {
	return dataConverter{converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)}
}

// FailureConverter seals the texts and stack traces of failures. The types of failures
// stay readable and hold nothing.
func FailureConverter(d converter.DataConverter) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: d, EncodeCommonAttributes: true,
	})
}

type dataConverter struct{ converter.DataConverter }

// WithWorkflowContext implements workflow.ContextAware.
func (d dataConverter) WithWorkflowContext(workflow.Context) converter.DataConverter {
	return inWorkflow{d.DataConverter}
}

// inWorkflow is the data converter of workflow code.
type inWorkflow struct{ converter.DataConverter }

func (d inWorkflow) FromPayload(p *commonpb.Payload, to any) error {
	return waitForKey(d.DataConverter.FromPayload(p, to))
}

func (d inWorkflow) FromPayloads(p *commonpb.Payloads, to ...any) error {
	return waitForKey(d.DataConverter.FromPayloads(p, to...))
}

func waitForKey(err error) error {
	if errors.Is(err, ErrUnknownKey) {
		panic(err)
	}
	return err
}
