package keys_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// verbatim sends payloads as they are, so that a test acts as another client. The SDK does so
// by itself for the results of activities.
type verbatim struct{ converter.DataConverter }

func (v verbatim) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	if len(values) == 1 {
		if raw, ok := values[0].(*commonpb.Payloads); ok {
			return raw, nil
		}
	}
	return v.DataConverter.ToPayloads(values...)
}

// WithWorkflowContext and WithContext let the SDK reach the wrapped converter.
func (v verbatim) WithWorkflowContext(ctx workflow.Context) converter.DataConverter {
	return verbatim{v.DataConverter.(workflow.ContextAware).WithWorkflowContext(ctx)}
}

func (v verbatim) WithContext(ctx context.Context) converter.DataConverter {
	return verbatim{v.DataConverter.(workflow.ContextAware).WithContext(ctx)}
}

// sent are payloads of each kind, on their way to a worker that has rotated.
func sent(t *testing.T) (converter.DataConverter, map[string]*commonpb.Payloads) {
	t.Helper()
	a := newAges(t, newKeys(t))
	one := func(p *commonpb.Payload) *commonpb.Payloads {
		return &commonpb.Payloads{Payloads: []*commonpb.Payload{p}}
	}
	all := map[string]*commonpb.Payloads{"stranger": one(inClear(t, "stranger"))}
	for age, data := range a.payloads {
		all[age] = one(ours(data))
	}
	all["made up"] = one(ours(madeUp(a.payloads["newer"])))
	return keys.DataConverter(codec(t, a.dir)), all
}

func newEnvironment(d converter.DataConverter) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent())
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: flow.DeadlockAfter})
	env.SetDataConverter(verbatim{d})
	env.SetFailureConverter(keys.FailureConverter(d))
	return env
}

func silent() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// fate is the outcome of a run that met a payload.
func fate(env *testsuite.TestWorkflowEnvironment) string {
	var waits *temporal.PanicError
	var failed *temporal.ApplicationError
	switch err := env.GetWorkflowError(); {
	case errors.As(err, &waits) && strings.Contains(err.Error(), keys.ErrUnknownKey.Error()):
		return "the task fails"
	case errors.As(err, &failed):
		return "the run fails"
	case err != nil:
		return err.Error()
	}
	var text string
	if err := env.GetWorkflowResult(&text); err != nil {
		return err.Error()
	}
	return text
}

// security 27 and 37: the result of an activity. A foreign one is an error that the workflow
// can tell. One under a future key fails the workflow task.
func TestActivityResults(t *testing.T) {
	t.Parallel()
	d, results := sent(t)
	for age, want := range map[string]string{
		"older": "older", "primary": "primary", "newer": "the task fails",
		"retired": "foreign", "stranger": "foreign", "made up": "foreign",
	} {
		env := newEnvironment(d)
		act := func(context.Context) (*commonpb.Payloads, error) { return results[age], nil }
		env.RegisterActivity(act)
		env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
			var text string
			err := workflow.ExecuteActivity(ctx, act).Get(ctx, &text)
			if errors.Is(err, keys.ErrForeign) {
				return "foreign", nil
			}
			return text, err
		})
		if got := fate(env); got != want {
			t.Errorf("%s: %s, not %s", age, got, want)
		}
	}
}

// security 27 and 37: the input of a run. A foreign one ends its run, a sealed one waits for
// the key.
func TestInputs(t *testing.T) {
	t.Parallel()
	d, inputs := sent(t)
	for age, want := range map[string]string{
		"older": "older", "primary": "primary", "newer": "the task fails",
		"retired": "the run fails", "stranger": "the run fails", "made up": "the run fails",
	} {
		env := newEnvironment(d)
		echo := func(_ workflow.Context, text string) (string, error) { return text, nil }
		env.RegisterWorkflowWithOptions(echo, workflow.RegisterOptions{Name: "echo"})
		env.ExecuteWorkflow("echo", inputs[age])
		if got := fate(env); got != want {
			t.Errorf("%s: %s, not %s", age, got, want)
		}
	}
}

// security 27 and 37: signals. The SDK drops a foreign one.
func TestSignals(t *testing.T) {
	t.Parallel()
	d, signals := sent(t)
	for age, want := range map[string]string{
		"older": "older", "primary": "primary", "newer": "the task fails",
		"retired": "dropped", "stranger": "dropped", "made up": "dropped",
	} {
		env := newEnvironment(d)
		env.RegisterDelayedCallback(func() { env.SignalWorkflow("say", signals[age]) }, time.Minute)
		env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
			var text string
			say := workflow.GetSignalChannel(ctx, "say")
			if err := workflow.Await(ctx, func() bool { return say.Len() > 0 }); err != nil {
				return "", err
			}
			if !say.ReceiveAsync(&text) {
				return "dropped", nil
			}
			return text, nil
		})
		if got := fate(env); got != want {
			t.Errorf("%s: %s, not %s", age, got, want)
		}
	}
}

// Outside of workflow code a missing key is an error: there is nothing to wait in, and a
// panic would end a client. An activity with such an input is tried again.
func TestOutsideOfWorkflows(t *testing.T) {
	t.Parallel()
	d, payloads := sent(t)
	inContext := d.(workflow.ContextAware).WithContext(t.Context())
	handedOver := d.(workflow.ContextAware).WithWorkflowContext(nil).(workflow.ContextAware).WithContext(t.Context())
	var text string
	for age, want := range map[string]error{
		"older": nil, "primary": nil, "newer": keys.ErrUnknownKey,
		"retired": keys.ErrForeign, "stranger": keys.ErrForeign, "made up": keys.ErrForeign,
	} {
		for _, d := range []converter.DataConverter{d, inContext, handedOver} {
			if err := d.FromPayloads(payloads[age], &text); !errors.Is(err, want) {
				t.Errorf("%s: %v", age, err)
			}
			if err := d.FromPayload(payloads[age].Payloads[0], &text); !errors.Is(err, want) {
				t.Errorf("%s alone: %v", age, err)
			}
		}
	}
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.SetDataConverter(verbatim{d})
	act := func(context.Context, string) error { return nil }
	env.RegisterActivityWithOptions(act, activity.RegisterOptions{Name: "act"})
	_, err := env.ExecuteActivity("act", payloads["newer"])
	var failed *temporal.ApplicationError
	if !errors.As(err, &failed) || failed.NonRetryable() {
		t.Errorf("the activity is not tried again: %v", err)
	}
}

// Failures show their type and nothing else. A holder of the keys reads them whole.
func TestFailures(t *testing.T) {
	t.Parallel()
	d := keys.DataConverter(codec(t, newKeys(t)))
	f := keys.FailureConverter(d)
	failure := f.ErrorToFailure(temporal.NewApplicationErrorWithCause("secret", "type", errors.New("secret"), "secret"))
	if strings.Contains(failure.String(), "secret") {
		t.Errorf("the failure reads %v", failure)
	}
	var back *temporal.ApplicationError
	var detail string
	if err := f.FailureToError(failure); !errors.As(err, &back) || back.Message() != "secret" ||
		back.Type() != "type" || back.Details(&detail) != nil || detail != "secret" {
		t.Errorf("it comes back as %v", err)
	}
}

func TestClientOptions(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	o := codec(t, dir).ClientOptions(client.Options{Namespace: "rekey"})
	if o.Namespace != "rekey" {
		t.Errorf("the namespace is %q", o.Namespace)
	}
	p, err := o.DataConverter.ToPayload("secret")
	check(t, err)
	if text, err := decode(codec(t, dir), p); text != "secret" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if f := o.FailureConverter.ErrorToFailure(errors.New("secret")); strings.Contains(f.String(), "secret") {
		t.Errorf("the failure reads %v", f)
	}
}
