package e2e

import (
	"context"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// identity is the clients' name in the histories, with a suffix for some. The SDK's own would
// be process ID, user's machine and task queue.
const identity = "rekey-record"

// anonymous are the settings of a Temporal client that reveals nothing of this machine.
func anonymous(suffix string) client.Options {
	return client.Options{
		Identity: identity + suffix,
		ConnectionOptions: client.ConnectionOptions{
			DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(hideHost)},
		},
	}
}

// hideHost takes the host name out of the name of a worker's own task queue, which the SDK puts
// there and a history keeps. Server and worker know the queue by the other name only, so no
// recording has to be changed.
func hideHost(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
	switch r := req.(type) {
	case *workflowservice.PollWorkflowTaskQueueRequest:
		hideHostOf(r.GetTaskQueue())
	case *workflowservice.RespondWorkflowTaskCompletedRequest:
		hideHostOf(r.GetStickyAttributes().GetWorkerTaskQueue())
	case *workflowservice.ShutdownWorkerRequest:
		r.StickyTaskQueue = withoutHost(r.GetStickyTaskQueue())
	}
	return call(ctx, method, req, reply, cc, o...)
}

func hideHostOf(q *taskqueuepb.TaskQueue) {
	if q.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY {
		q.Name = withoutHost(q.GetName())
	}
}

// withoutHost is the name of a queue that was called host:UUID.
func withoutHost(name string) string {
	return "sticky:" + name[strings.LastIndex(name, ":")+1:]
}
