package e2e

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

func runID(t *testing.T, s *site.Site, who account.Account) string {
	t.Helper()
	return workflow.ResetPassword.ID(accountKey(t, s, who.Address))
}

func accountKey(t *testing.T, s *site.Site, address string) string {
	t.Helper()
	k, err := keys.Open(s.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return k.Key(address)
}

// runsOfEveryState makes runs: one that is canceled, one that waits, and one that was
// carried out and continued as new. It returns how many there are.
func runsOfEveryState(t *testing.T, s *site.Site) int {
	t.Helper()
	s.Worker(t)
	s.Starter(t)
	canceled, waits, continued := s.People[0], s.People[1], s.People[2]
	for _, who := range s.People {
		s.Forgot(t, who)
	}
	token := cancelLink.FindStringSubmatch(s.Mails(t, canceled, 1)[0].Text)[1]
	if a := s.Post(t, "/account/cancel_reset", map[string]string{"token": token}); a.HTTP != 200 {
		t.Fatalf("cancel_reset: %+v", a)
	}
	s.Mails(t, waits, 1)
	token = s.Token(t, continued, 1)
	untilTimer(t, s, runID(t, s, continued))

	release := make(chan struct{})
	s.Mail.Fail(func(inbox.Message) error { <-release; return nil }) // the notice takes its time
	s.Insist(t, token, newPassword)
	again := flow.Caller{AccountKey: accountKey(t, s, continued.Address)}
	if err := sealed(t, s).SignalWorkflow(t.Context(), runID(t, s, continued), "", flow.RequestSignal, again); err != nil {
		t.Fatal(err)
	}
	close(release)
	s.Mails(t, continued, 3)
	untilTimer(t, s, runID(t, s, continued))
	untilListed(t, s, 4, "ExecutionStatus != 'Terminated'")
	untilListed(t, s, 1, "ExecutionStatus = 'ContinuedAsNew'")
	untilListed(t, s, 1, "ExecutionStatus = 'Completed'")
	return 4
}

// untilTimer waits until a run has dealt with its mail.
func untilTimer(t *testing.T, s *site.Site, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	events := s.Dial(t).GetWorkflowHistory(ctx, id, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.GetEventType() == enumspb.EVENT_TYPE_TIMER_STARTED {
			return
		}
	}
	t.Fatal("the run ended without a timer")
}

// untilListed waits until Temporal finds so many runs, which it does a little later than
// they are there.
func untilListed(t *testing.T, s *site.Site, n int, query string) {
	t.Helper()
	c, again := s.Dial(t), time.NewTicker(50*time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for {
		got, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if got.GetCount() == int64(n) {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%d runs with %s, want %d", got.GetCount(), query, n)
		}
	}
}

// sealed is a client of Temporal with the payload keys.
func sealed(t *testing.T, s *site.Site) client.Client {
	t.Helper()
	codec, err := keys.Open(s.Keys()).Payload()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.DialContext(t.Context(), codec.ClientOptions(client.Options{HostPort: s.TemporalAddr}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// crowd starts n runs for people without an account and waits until they wait.
func crowd(t *testing.T, s *site.Site, n int) int {
	t.Helper()
	c := sealed(t, s)
	var ids []string
	for i := range n {
		in := flow.Request{Address: fmt.Sprintf("nobody%d@example.com", i), LinkLife: time.Hour, MailPause: time.Minute}
		in.AccountKey = accountKey(t, s, in.Address)
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: workflow.ResetPassword.ID(in.AccountKey), TaskQueue: flow.TaskQueue,
			TypedSearchAttributes: temporal.NewSearchAttributes(flow.StateAttribute.ValueSet(string(statemachine.StateRequested))),
		}, workflow.ResetPassword.Name, in)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, workflow.ResetPassword.ID(in.AccountKey))
	}
	for _, id := range ids {
		untilTimer(t, s, id)
	}
	untilListed(t, s, n+4, "ExecutionStatus != 'Terminated'")
	return n
}

// gate is a Temporal server as seen through a proxy that watches downloads of histories.
type gate struct {
	addr   string
	before func(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) // nil for nothing

	mu        sync.Mutex
	now, peak int
}

func inFront(t *testing.T, s *site.Site) *gate {
	t.Helper()
	conn, err := grpc.NewClient(s.TemporalAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	service, err := proxy.NewWorkflowServiceProxyServer(proxy.WorkflowServiceProxyOptions{Client: workflowservice.NewWorkflowServiceClient(conn)})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{addr: listener.Addr().String()}
	server := grpc.NewServer(grpc.UnaryInterceptor(g.watch))
	workflowservice.RegisterWorkflowServiceServer(server, service)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); _ = conn.Close() })
	return g
}

func (g *gate) watch(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	download, ok := request.(*workflowservice.GetWorkflowExecutionHistoryRequest)
	if !ok {
		return next(ctx, request)
	}
	g.count(1)
	defer g.count(-1)
	if g.before != nil {
		g.before(ctx, download)
	}
	return next(ctx, request)
}

func (g *gate) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += n
	g.peak = max(g.peak, g.now)
}

// most is how many downloads there were at once.
func (g *gate) most() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak
}

// hold keeps the first n downloads waiting until all of them are there.
func (g *gate) hold(n int) (there <-chan struct{}) {
	all := make(chan struct{})
	var mu sync.Mutex
	g.before = func(ctx context.Context, _ *workflowservice.GetWorkflowExecutionHistoryRequest) {
		mu.Lock()
		if n--; n == 0 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-ctx.Done():
		}
	}
	return all
}

// stopAfter lets n downloads through and then keeps all waiting; held is closed when there
// are at of them.
func (g *gate) stopAfter(n, at int) (held <-chan struct{}) {
	all := make(chan struct{})
	var mu sync.Mutex
	g.before = func(ctx context.Context, _ *workflowservice.GetWorkflowExecutionHistoryRequest) {
		mu.Lock()
		n--
		mine := n
		mu.Unlock()
		if mine == -at {
			close(all)
		}
		if mine < 0 {
			<-ctx.Done()
		}
	}
	return all
}

// deleteFirst deletes the run whose history is requested first.
func (g *gate) deleteFirst(t *testing.T, s *site.Site) {
	t.Helper()
	c := s.Dial(t)
	var once sync.Once
	g.before = func(ctx context.Context, r *workflowservice.GetWorkflowExecutionHistoryRequest) {
		once.Do(func() {
			_, err := c.WorkflowService().DeleteWorkflowExecution(ctx, &workflowservice.DeleteWorkflowExecutionRequest{
				Namespace: r.GetNamespace(), WorkflowExecution: r.GetExecution(),
			})
			if err != nil {
				t.Error(err)
			}
			untilDeleted(ctx, t, c, r)
		})
	}
}

func untilDeleted(ctx context.Context, t *testing.T, c client.Client, r *workflowservice.GetWorkflowExecutionHistoryRequest) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := c.WorkflowService().GetWorkflowExecutionHistory(ctx, r)
		if err != nil && strings.Contains(err.Error(), "not found") {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Error("the run is not deleted")
			return
		}
	}
}
