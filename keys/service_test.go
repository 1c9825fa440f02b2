package keys_test

import (
	"context"
	"net"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// server is Temporal as a worker sees it: it hands out one workflow task and keeps the
// answer. The SDK's test environment does not go as far as the answer.
type server struct {
	workflowservice.UnimplementedWorkflowServiceServer
	tasks   chan *workflowservice.PollWorkflowTaskQueueResponse
	answers chan string
}

func (s *server) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (s *server) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (s *server) PollWorkflowTaskQueue(ctx context.Context, _ *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	select {
	case task := <-s.tasks:
		return task, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *server) RespondWorkflowTaskFailed(_ context.Context, r *workflowservice.RespondWorkflowTaskFailedRequest) (*workflowservice.RespondWorkflowTaskFailedResponse, error) {
	s.answers <- "task failed: " + r.GetCause().String()
	return &workflowservice.RespondWorkflowTaskFailedResponse{}, nil
}

func (s *server) RespondWorkflowTaskCompleted(_ context.Context, r *workflowservice.RespondWorkflowTaskCompletedRequest) (*workflowservice.RespondWorkflowTaskCompletedResponse, error) {
	var commands []string
	for _, c := range r.GetCommands() {
		commands = append(commands, c.GetCommandType().String())
	}
	s.answers <- strings.Join(commands, ", ")
	return &workflowservice.RespondWorkflowTaskCompletedResponse{}, nil
}

// answer is a worker's answer to the first task of a run with this input.
func answer(t *testing.T, c *keys.Codec, input *commonpb.Payloads) string {
	t.Helper()
	s := &server{tasks: make(chan *workflowservice.PollWorkflowTaskQueueResponse, 1), answers: make(chan string, 1)}
	pipe, g := bufconn.Listen(1<<16), grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(g, s)
	go func() { _ = g.Serve(pipe) }()
	t.Cleanup(g.Stop)
	temporal, err := client.DialContext(t.Context(), c.ClientOptions(client.Options{
		HostPort: "passthrough:///bufconn",
		Logger:   silent(),
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }),
		}},
	}))
	check(t, err)
	t.Cleanup(temporal.Close)
	w := worker.New(temporal, "queue", worker.Options{LocalActivityWorkerOnly: true, DeadlockDetectionTimeout: flow.DeadlockAfter})
	echo := func(_ workflow.Context, text string) (string, error) { return text, nil }
	w.RegisterWorkflowWithOptions(echo, workflow.RegisterOptions{Name: "echo"})
	check(t, w.Start())
	t.Cleanup(w.Stop)
	s.tasks <- firstTask(input)
	return <-s.answers
}

func firstTask(input *commonpb.Payloads) *workflowservice.PollWorkflowTaskQueueResponse {
	kind, queue := &commonpb.WorkflowType{Name: "echo"}, &taskqueuepb.TaskQueue{Name: "queue"}
	started := &historypb.WorkflowExecutionStartedEventAttributes{WorkflowType: kind, TaskQueue: queue, Input: input}
	events := []*historypb.HistoryEvent{
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{WorkflowExecutionStartedEventAttributes: started}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_WorkflowTaskScheduledEventAttributes{WorkflowTaskScheduledEventAttributes: &historypb.WorkflowTaskScheduledEventAttributes{TaskQueue: queue}}},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, Attributes: &historypb.HistoryEvent_WorkflowTaskStartedEventAttributes{WorkflowTaskStartedEventAttributes: &historypb.WorkflowTaskStartedEventAttributes{}}},
	}
	for i, e := range events {
		e.EventId = int64(i + 1)
	}
	return &workflowservice.PollWorkflowTaskQueueResponse{
		TaskToken: []byte("task"), WorkflowType: kind, Attempt: 1, StartedEventId: 3,
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: "id", RunId: "run"},
		History:           &historypb.History{Events: events},
	}
}

// security 27 and 37: a worker with the default panic policy answers Temporal about a run whose
// input it cannot decode. A failed task is offered again, to any worker; the run stays open
// until one has the key.
func TestInputWaitsForItsKey(t *testing.T) {
	t.Parallel()
	a := newAges(t, newKeys(t))
	for age, want := range map[string]string{
		"primary": "CompleteWorkflowExecution",
		"newer":   "task failed: WorkflowWorkerUnhandledFailure",
		"retired": "FailWorkflowExecution",
	} {
		input := &commonpb.Payloads{Payloads: []*commonpb.Payload{ours(a.payloads[age])}}
		if got := answer(t, codec(t, a.dir), input); got != want {
			t.Errorf("%s: %s, not %s", age, got, want)
		}
	}
}
