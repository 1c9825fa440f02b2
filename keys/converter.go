package keys

import (
	"context"
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

// DataConverter converts values to sealed payloads. A payload that rekey did not seal is
// ErrForeign everywhere: errors.Is finds it in the error of a future's Get. A missing payload
// is no error, and leaves a value as it is.
//
// In workflow code a payload under a key that the worker lacks panics. An error there would be
// a branch that depends on the keys of a worker. For the run's own input it would end the run.
// A panic fails only the workflow task, as long as the worker keeps to the default panic policy
// (worker.BlockWorkflow). Temporal offers the task again until a worker with the key takes it.
//
// The input is no exception. The SDK (v1.50) decodes it in workflowExecutor.Execute, with the
// converter of WithWorkflowContext and inside the run's first coroutine. So a panic ends as any
// other of workflow code.
//
// Two things the SDK reads outside of workflow code, and drops their errors: the markers of
// workflow.GetVersion and SideEffect. They are one more reason to promote a key only when
// every worker has it.
//
// Elsewhere, in clients and activities, it is the error ErrUnknownKey. An activity with such an
// input fails in a way that Temporal retries.
func DataConverter(c *Codec) converter.DataConverter {
	return dataConverter{converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)}
}

// FailureConverter seals the texts and stack traces of failures. The types of failures stay
// readable and hold nothing. Failures are no evidence: any client of Temporal can report one of
// any type, with its text in clear. A text that cannot be opened reads "Encoded failure". No
// workflow code may depend on a failure's type, text or details.
func FailureConverter(d converter.DataConverter) converter.FailureConverter {
	return temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
		DataConverter: d, EncodeCommonAttributes: true,
	})
}

type dataConverter struct{ converter.DataConverter }

// With one of the two methods missing the SDK passes over both, silently.
var _, _ workflow.ContextAware = dataConverter{}, inWorkflow{}

// WithWorkflowContext makes the data converter of workflow code.
func (d dataConverter) WithWorkflowContext(workflow.Context) converter.DataConverter {
	return inWorkflow(d)
}

// WithContext makes the data converter of activities and clients.
func (d dataConverter) WithContext(context.Context) converter.DataConverter { return d }

// inWorkflow is the data converter of workflow code.
type inWorkflow struct{ converter.DataConverter }

func (d inWorkflow) WithWorkflowContext(workflow.Context) converter.DataConverter { return d }

// WithContext is for local activities of a workflow.
func (d inWorkflow) WithContext(context.Context) converter.DataConverter { return dataConverter(d) }

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
