package faults

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	base       = "https://accounts.example.com"
	accountKey = "00112233445566778899aabbccddeeff"
	runID      = "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310"
	life       = 30 * time.Minute
	lifetime   = life + time.Minute // of a run, from its last mail: clocks may differ
	skew       = time.Minute        // a starter's tolerance for that
	newHash    = "$argon2id$new"
)

var (
	started = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ann     = account.Account{ID: "ann", Address: "ann@example.com", Credential: "$argon2id$old", Resettable: true}
)

// world is one run and all that it touches.
type world struct {
	*testsuite.TestWorkflowEnvironment
	t      *testing.T
	mail   *inbox.Inbox
	store  *bolt.Store
	acts   *activities.Activities
	sealer *keys.Sealer
	log    lines

	mu    sync.Mutex
	wait  []byte // task token of the wait that is open
	tries int    // attempts to send a mail
}

// newWorld is a world with an inbox; the way to it may be changed.
func newWorld(t *testing.T, change func(*mail.Config)) *world {
	t.Helper()
	box, err := inbox.Start("", "")
	must(t, err)
	t.Cleanup(func() { box.Close() })
	w := newWorldAt(t, box.SMTPAddr(), change)
	w.mail = box
	return w
}

func newWorldAt(t *testing.T, smtpAddr string, change func(*mail.Config)) *world {
	t.Helper()
	w := &world{t: t}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(&w.log)
	w.TestWorkflowEnvironment = suite.NewTestWorkflowEnvironment()
	w.SetStartTime(started)
	w.SetTestTimeout(2 * time.Minute) // bounds a test that has failed already
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflow.ResetPassword.ID(accountKey), TaskQueue: flow.TaskQueue})
	w.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: flow.DeadlockAfter,
		Interceptors:             []interceptor.WorkerInterceptor{&like{}},
	})
	w.SetOnActivityStartedListener(func(info *activity.Info, _ context.Context, _ converter.EncodedValues) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch info.ActivityType.Name {
		case flow.AwaitTokenSubmission:
			w.wait = info.TaskToken
		case flow.SendEmail:
			w.tries++
		}
	})
	var err error
	w.store, err = bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
	must(t, err)
	t.Cleanup(func() { w.store.Close() })
	must(t, w.store.Put(t.Context(), ann))
	w.acts = &activities.Activities{
		Store: w.store, Mailer: newMailer(t, smtpAddr, change), MailLimit: 10, MaxLinkLife: 24 * time.Hour, Domain: "accounts.example.com", Now: w.Now,
	}
	w.openKeys()
	w.acts.Register(w)
	w.RegisterWorkflowWithOptions(workflow.ResetPassword.Run, sdk.RegisterOptions{Name: workflow.ResetPassword.Name})
	return w
}

func newMailer(t *testing.T, smtpAddr string, change func(*mail.Config)) *mail.SMTP {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", smtpAddr)
	must(t, err)
	config := mail.Config{
		Host: "127.0.0.1", Port: addr.Port, Security: mail.SecurityNone, From: "Harbor <no-reply@example.com>",
	}
	if change != nil {
		change(&config)
	}
	mailer, err := mail.NewSMTP(config)
	must(t, err)
	return mailer
}

func (w *world) openKeys() {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "keys")
	must(w.t, keys.Create(path, false))
	dir := keys.Open(path)
	aead, err := dir.Link()
	must(w.t, err)
	w.acts.Links, err = link.New(aead, link.MustParseBaseURL(base), "default")
	must(w.t, err)
	w.acts.Submissions, err = dir.SubmissionOpener()
	must(w.t, err)
	w.sealer, err = dir.SubmissionSealer()
	must(w.t, err)
	w.acts.MessageIDs, err = dir.MessageIDs("default")
	must(w.t, err)
	codec, err := dir.Payload()
	must(w.t, err)
	w.SetDataConverter(keys.DataConverter(codec))
	w.SetFailureConverter(keys.FailureConverter(keys.DataConverter(codec)))
	w.acts.Templates, err = mail.Load("", mail.Brand{
		Product: "Harbor", Support: "support@example.com", ForgotURL: base + "/account/forgot-password",
	})
	must(w.t, err)
}

// at does something when the run is so old.
func (w *world) at(age time.Duration, do func()) { w.RegisterDelayedCallback(do, age) }

func (w *world) age() time.Duration { return w.Now().Sub(started) }

// run runs the reset to its end and returns its outcome.
func (w *world) run() flow.Outcome {
	w.t.Helper()
	w.ExecuteWorkflow(workflow.ResetPassword.Name, flow.Request{
		Address: ann.Address, AccountKey: accountKey, LinkLife: life, MailPause: time.Minute,
	})
	var out flow.Outcome
	must(w.t, w.GetWorkflowError())
	must(w.t, w.GetWorkflowResult(&out))
	out.Accepted, out.Run = "", "" // differ with each run
	return out
}

// mails are those that ann has by now.
func (w *world) mails() []inbox.Message {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	mails, _ := w.mail.Wait(now, ann.Address, 1)
	return mails
}

var resetLink = regexp.MustCompile(base + `/account/change-password/([A-Za-z0-9_-]+)`)

// claims reads the link of a mail; ok is false for a mail without one.
func (w *world) claims(m inbox.Message) (c link.Claims, token link.Token, ok bool) {
	found := resetLink.FindStringSubmatch(m.Text)
	if found == nil {
		return c, token, false
	}
	c, token, err := w.acts.Links.Open(link.Reset, found[1])
	if err != nil {
		w.t.Error(err)
	}
	return c, token, true
}

// use acts as a starter with the link of a mail, and reports whether it would have taken a
// password for it.
func (w *world) use(m inbox.Message) bool {
	claims, token, ok := w.claims(m)
	if !ok || claims.Expired(w.Now(), skew) {
		return false
	}
	p := keys.NewPassword{Hash: newHash, Digest: token.Digest(), Accepted: w.Now().UTC()}
	s := flow.Submission{ID: p.ID(), LinkRun: claims.RunID}
	var err error
	if s.Sealed, err = w.sealer.Seal(p, s.SealContext(workflow.ResetPassword.ID(accountKey))); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	wait := w.wait
	w.mu.Unlock()
	if err := w.CompleteActivity(wait, s, nil); err != nil {
		w.t.Error(err)
	}
	return true
}

func (w *world) credential() string {
	w.t.Helper()
	now, err := w.store.Account(w.t.Context(), ann.ID)
	must(w.t, err)
	return now.Credential
}

// audit lists the events of the audit log.
func (w *world) audit() (events []account.Event) {
	w.t.Helper()
	entries, err := w.store.Audit(w.t.Context(), ann.ID)
	must(w.t, err)
	for _, e := range entries {
		events = append(events, e.Event)
	}
	return events
}

// details is an operator's view of the run.
func (w *world) details() string {
	w.t.Helper()
	answer, err := w.QueryWorkflow("__temporal_workflow_metadata")
	must(w.t, err)
	var meta sdkpb.WorkflowMetadata
	must(w.t, answer.Get(&meta))
	return meta.GetCurrentDetails()
}

// lines is the SDK's log at its lowest level.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Debug(msg string, kv ...any) { l.add(msg, kv) }
func (l *lines) Info(msg string, kv ...any)  { l.add(msg, kv) }
func (l *lines) Warn(msg string, kv ...any)  { l.add(msg, kv) }
func (l *lines) Error(msg string, kv ...any) { l.add(msg, kv) }

func (l *lines) add(msg string, kv []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(&l.all, append([]any{msg}, kv...)...)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func addrOf(bound syscall.Sockaddr) string {
	in := bound.(*syscall.SockaddrInet4)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(in.Port))
}
