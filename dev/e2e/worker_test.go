package e2e

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/one/temporal"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

// host is an application that runs the worker as a library, against a server that is
// somewhere else.
type host struct {
	worker.Config
	mails chan mail.Message               // as they are tried
	talk  func(ctx context.Context) error // the rest of an SMTP conversation
	codec *keys.Codec
}

func (h *host) Send(ctx context.Context, m mail.Message) error {
	h.mails <- m
	return h.talk(ctx)
}

var hostURL = link.MustParseBaseURL("https://accounts.example.com")

func newHost(t *testing.T, server *temporal.Server) *host {
	t.Helper()
	h := &host{mails: make(chan mail.Message, 8), talk: func(context.Context) error { return nil }}
	folder := filepath.Join(t.TempDir(), "keys")
	store, err := bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	templates, templatesErr := mail.Load("", mail.Brand{
		Product: stack.Product, Support: "support@example.com", ForgotURL: hostURL.ForgotURL(),
	})
	if err := errors.Join(keys.Create(folder, false), templatesErr, store.Put(t.Context(), account.Account{
		ID: "ann", Address: "ann@example.com", Credential: cheap.Hash(demo.Password, make([]byte, 16)), Resettable: true,
	})); err != nil {
		t.Fatal(err)
	}
	h.Config = worker.Config{
		Temporal: client.Options{HostPort: server.Addr(), Namespace: client.DefaultNamespace},
		Keys:     keys.Open(folder), Store: store, Mailer: h, Templates: templates,
		BaseURL: hostURL, Log: zerolog.Nop(),
	}
	if h.codec, err = h.Keys.Payload(); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) dial(t *testing.T) client.Client {
	t.Helper()
	c, err := client.Dial(h.codec.ClientOptions(h.Temporal))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// run runs the worker in the background.
func (h *host) run(t *testing.T) (stop context.CancelFunc, done <-chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx, h.Config) }()
	return stop, ended
}

// request requests a reset as a backend does.
func (h *host) request(t *testing.T) {
	t.Helper()
	c, err := starter.Dial(t.Context(), starter.Config{
		Temporal: h.Temporal, Keys: h.Keys, BaseURL: hostURL, Product: stack.Product,
		Policy: password.DefaultPolicy(), Hashing: cheap, Budget: password.NewBudget(1, 1, time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Request(t.Context(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
}

func result[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("no %s within %s", what, patience)
	}
	return v
}

// eventsOf lists the history of ann's run.
func (h *host) eventsOf(t *testing.T, c client.Client) (types []enumspb.EventType) {
	t.Helper()
	prf, err := h.Keys.AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	history := c.GetWorkflowHistory(t.Context(), workflow.ResetPassword.ID(prf.Key("ann@example.com")), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, event.GetEventType())
	}
	return types
}

// A namespace must be set up first: without the search attribute no run could start. To set it
// up again changes nothing. A stopping worker finishes the mail it is handing over, informs
// Temporal, and ends without an error.
//
// security 23: nothing that was begun is lost.
func TestWorkerFromSetupToDrain(t *testing.T) {
	t.Parallel()
	server, err := temporal.Start(t.Context(), temporal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	h := newHost(t, server)
	_, done := h.run(t)
	if err := result(t, "refusal", done); !errors.Is(err, worker.ErrNotSetUp) || !strings.Contains(err.Error(), "run `rekey setup`") {
		t.Errorf("Run in a namespace that is not set up: %v", err)
	}

	operator := h.dial(t)
	for range 2 {
		if err := worker.Setup(t.Context(), operator, client.DefaultNamespace); err != nil {
			t.Fatalf("Setup: %v", err)
		}
	}

	h.talk = func(ctx context.Context) error {
		<-activity.GetWorkerStopChannel(ctx)
		// The conversation goes on after the stop signal, as long as that takes: a stop that
		// does not wait would cut it.
		for range 5 {
			if _, err := operator.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
				return &mail.Error{Outcome: mail.Deferred, Step: "content"}
			}
		}
		return nil
	}
	stop, done := h.run(t)
	h.request(t)
	result(t, "mail", h.mails)
	stop()
	if err := result(t, "end of the worker", done); err != nil {
		t.Errorf("Run after its context ended: %v", err)
	}
	completed := 0
	for _, e := range h.eventsOf(t, operator) {
		if e == enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED {
			completed++
		}
	}
	if completed != 1 {
		t.Errorf("%d activities completed, want the mail that was in progress", completed)
	}
}

// A search attribute of that name that is of another kind is not touched.
func TestSetupRefusesAnotherKind(t *testing.T) {
	t.Parallel()
	server, err := temporal.Start(t.Context(), temporal.Options{
		SearchAttributes: map[string]enumspb.IndexedValueType{
			flow.StateAttribute.GetName(): enumspb.INDEXED_VALUE_TYPE_TEXT,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	h := newHost(t, server)
	_, done := h.run(t)
	for what, err := range map[string]error{
		"Run":   result(t, "refusal", done),
		"Setup": worker.Setup(t.Context(), h.dial(t), client.DefaultNamespace),
	} {
		if err == nil || !strings.Contains(err.Error(), "want Keyword") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// security 18: a mail server that defers one address gets a retry for that one alone; the other
// is notified once. Temporal keeps the notified addresses, sealed.
func TestNoticeIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	who := newPerson(t, s, func(a *account.Account) { a.Notify = []string{"other-" + a.Address, "third-" + a.Address} })
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	s.Mail.FailNext(nil, inbox.Reply(451, "greylisted")) // after the owner's own
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	patient, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for address, want := range map[string]int{who.Address: 2, who.Notify[0]: 1, who.Notify[1]: 1} {
		mails, err := s.Mail.Wait(patient, address, want)
		if err != nil || len(mails) != want {
			t.Errorf("%d mails to %s, want %d: %v", len(mails), address, want, err)
		}
	}
	if !heartbeats(t, s, who) {
		t.Error("no heartbeat bounds the notice, so that many addresses do not fit into one attempt")
	}
}

// heartbeats reports whether an activity of a run has a heartbeat.
func heartbeats(t *testing.T, s *stack.Stack, who account.Account) bool {
	t.Helper()
	history := temporalClient(t, s).GetWorkflowHistory(t.Context(), workflowID(t, s, who.Address), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if event.GetActivityTaskScheduledEventAttributes().GetHeartbeatTimeout().AsDuration() > 0 {
			return true
		}
	}
	return false
}
