package worker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/rekeyhq/rekey/flow"
)

// frontend is a Temporal server with the behaviour of others than the embedded one.
type frontend struct {
	client.Client
	operatorservice.OperatorServiceClient
	add    error         // its answer to a new search attribute
	learns time.Duration // until it accepts one
	begin  time.Time
}

func (f *frontend) OperatorService() operatorservice.OperatorServiceClient { return f }

func (f *frontend) AddSearchAttributes(
	context.Context, *operatorservice.AddSearchAttributesRequest, ...grpc.CallOption,
) (*operatorservice.AddSearchAttributesResponse, error) {
	f.begin = time.Now()
	return nil, f.add
}

func (*frontend) ListSearchAttributes(
	context.Context, *operatorservice.ListSearchAttributesRequest, ...grpc.CallOption,
) (*operatorservice.ListSearchAttributesResponse, error) {
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: map[string]enumspb.IndexedValueType{
		flow.StateAttribute.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
	}}, nil
}

func (f *frontend) CountWorkflow(
	context.Context, *workflowservice.CountWorkflowExecutionsRequest,
) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	if time.Since(f.begin) < f.learns {
		return nil, serviceerror.NewInvalidArgument("invalid search attribute: RekeyState")
	}
	return &workflowservice.CountWorkflowExecutionsResponse{}, nil
}

// setup is the result and the duration of Setup, on a clock that does not wait.
func setup(t *testing.T, f *frontend) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		err = Setup(t.Context(), f, "default")
		took = time.Since(f.begin)
	})
	return took, err
}

// Some servers return an error for an attribute that is there.
func TestSetupOfWhatIsThere(t *testing.T) {
	t.Parallel()
	if _, err := setup(t, &frontend{add: serviceerror.NewAlreadyExists("attribute exists")}); err != nil {
		t.Errorf("Setup: %v", err)
	}
}

func TestSetupThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	denied := serviceerror.NewPermissionDenied("not you", "")
	_, err := setup(t, &frontend{add: denied})
	if !errors.As(err, new(*serviceerror.PermissionDenied)) || !strings.Contains(err.Error(), "namespace default") {
		t.Errorf("Setup: %v", err)
	}
}

// Setup returns when runs can start, and not before.
func TestSetupWaitsUntilTheServerHasLearned(t *testing.T) {
	t.Parallel()
	took, err := setup(t, &frontend{learns: 7 * time.Second})
	if err != nil || took < 7*time.Second || took > 8*time.Second {
		t.Errorf("Setup took %s, %v; the server took 7 s", took, err)
	}
	took, err = setup(t, &frontend{learns: time.Hour})
	if err == nil || !strings.Contains(err.Error(), "run this again") || took > time.Minute {
		t.Errorf("Setup took %s, %v; the server took an hour", took, err)
	}
}

// registry is a Temporal server whose frontend learns of a namespace some seconds after its
// registration.
type registry struct {
	client.Client
	operatorservice.OperatorServiceClient

	answer error
	asked  *workflowservice.RegisterNamespaceRequest
	begin  time.Time
}

func (r *registry) OperatorService() operatorservice.OperatorServiceClient { return r }

func (r *registry) WorkflowService() workflowservice.WorkflowServiceClient {
	return registrar{registry: r}
}

// registrar is the part of a registry that takes namespaces.
type registrar struct {
	workflowservice.WorkflowServiceClient

	registry *registry
}

func (r registrar) RegisterNamespace(
	_ context.Context, request *workflowservice.RegisterNamespaceRequest, _ ...grpc.CallOption,
) (*workflowservice.RegisterNamespaceResponse, error) {
	r.registry.asked, r.registry.begin = request, time.Now()
	return nil, r.registry.answer
}

func (r *registry) ListSearchAttributes(
	context.Context, *operatorservice.ListSearchAttributesRequest, ...grpc.CallOption,
) (*operatorservice.ListSearchAttributesResponse, error) {
	if time.Since(r.begin) < 7*time.Second {
		return nil, serviceerror.NewNamespaceNotFound("shop")
	}
	return &operatorservice.ListSearchAttributesResponse{}, nil
}

// CreateNamespace returns when the frontend knows the namespace, also one that was there.
func TestCreateNamespace(t *testing.T) {
	t.Parallel()
	for _, answer := range []error{nil, serviceerror.NewNamespaceAlreadyExists("there"), serviceerror.NewPermissionDenied("not you", "")} {
		synctest.Test(t, func(t *testing.T) {
			r := &registry{answer: answer}
			err := CreateNamespace(t.Context(), r, "shop", 72*time.Hour)
			if denied := errors.As(answer, new(*serviceerror.PermissionDenied)); denied != (err != nil) || !denied && time.Since(r.begin) < 7*time.Second {
				t.Errorf("after %s: %v, want that of %v", time.Since(r.begin), err, answer)
			}
			if r.asked.GetNamespace() != "shop" || r.asked.GetWorkflowExecutionRetentionPeriod().AsDuration() != 72*time.Hour {
				t.Errorf("asked for %v", r.asked)
			}
		})
	}
}
