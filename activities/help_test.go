package activities_test

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	base = "https://accounts.example.com"
	run  = "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310" // of the run, and its original ID
	key  = "00112233445566778899aabbccddeeff"     // account key
	from = "203.0.113.7"                          // the caller
	life = 30 * time.Minute
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)

// ann can be reset.
var ann = account.Account{ID: "ann", Address: "ann@example.com", Credential: "$argon2id$old", Resettable: true}

// site is the activities with everything real but the mail server and the clock.
type site struct {
	*activities.Activities
	store     *bolt.Store
	mailer    *mailer
	sealer    *keys.Sealer
	converter converter.DataConverter
	failures  converter.FailureConverter

	now        time.Time
	run        sdk.Execution
	background context.Context              // of attempts; nil has no end
	stopping   chan struct{}                // closed when the worker stops
	beats      int                          // heartbeats that Temporal was sent
	beaten     chan converter.EncodedValues // has the details of the first of them
	log        *lines
}

// newSite makes a site with some accounts.
func newSite(t *testing.T, accounts ...account.Account) *site {
	t.Helper()
	s := &site{
		mailer: &mailer{}, now: start, run: sdk.Execution{ID: workflow.ResetPassword.ID(key), RunID: run},
		stopping: make(chan struct{}), beaten: make(chan converter.EncodedValues, 1), log: &lines{},
	}
	var err error
	if s.store, err = bolt.Open(filepath.Join(t.TempDir(), "accounts.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	if err := s.store.PutMany(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	s.Activities = &activities.Activities{
		Store: s.store, Mailer: s.mailer, MailLimit: 10, MaxLinkLife: 24 * time.Hour, Domain: "accounts.example.com",
		Now: func() time.Time { return s.now },
	}
	s.open(t)
	return s
}

// open gives a site its keys and templates.
func (s *site) open(t *testing.T) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(path, false); err != nil {
		t.Fatal(err)
	}
	dir := keys.Open(path)
	aead, err := dir.Link()
	must(t, err)
	s.Links, err = link.New(aead, link.MustParseBaseURL(base), "default")
	must(t, err)
	s.Submissions, err = dir.SubmissionOpener()
	must(t, err)
	s.sealer, err = dir.SubmissionSealer()
	must(t, err)
	s.MessageIDs, err = dir.MessageIDs("default")
	must(t, err)
	codec, err := dir.Payload()
	must(t, err)
	s.converter = keys.DataConverter(codec)
	s.failures = keys.FailureConverter(s.converter)
	s.Templates, err = mail.Load("", mail.Brand{
		Product: "Harbor", Support: "support@example.com", ForgotURL: base + "/account/forgot-password",
	})
	must(t, err)
}

// attempt is one attempt of an activity as a worker makes it, under its registered name. The
// details are those of an earlier attempt, as Temporal keeps them. It returns the details of this
// one.
func (s *site) attempt(t *testing.T, name string, in, out, details any) (left converter.EncodedValues, err error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(s.log)
	env := suite.NewTestActivityEnvironment()
	env.SetDataConverter(s.converter).SetFailureConverter(s.failures)
	env.SetWorkerOptions(worker.Options{
		Interceptors: []interceptor.WorkerInterceptor{&within{run: s.run}}, BackgroundActivityContext: s.background,
	})
	env.SetWorkerStopChannel(s.stopping)
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, d converter.EncodedValues) {
		s.beats, left = s.beats+1, d
		select {
		case s.beaten <- d:
		default:
		}
	})
	if details != nil {
		env.SetHeartbeatDetails(details)
	}
	s.Register(env)
	args := []any{in}
	if in == nil {
		args = nil
	}
	value, err := env.ExecuteActivity(name, args...)
	if err == nil && out != nil {
		must(t, value.Get(out))
	}
	return left, err
}

func (s *site) sendLink(t *testing.T, m flow.LinkMail) (d flow.Delivery, err error) {
	t.Helper()
	_, err = s.attempt(t, "send-email", m.Mail(), &d, nil)
	return d, err
}

func (s *site) change(t *testing.T, c flow.Change) (v flow.Verdict, err error) {
	t.Helper()
	_, err = s.attempt(t, "change-password", c, &v, nil)
	return v, err
}

// mailed is the token of the last link that was mailed.
func (s *site) mailed(t *testing.T) link.Token {
	t.Helper()
	_, token := s.claims(t, link.Reset, s.mailer.last(t))
	return token
}

var links = map[link.Purpose]*regexp.Regexp{
	link.Reset:  regexp.MustCompile(base + `/account/change-password/([A-Za-z0-9_-]+)`),
	link.Cancel: regexp.MustCompile(base + `/account/cancel-reset/([A-Za-z0-9_-]+)`),

	"invitation":        regexp.MustCompile(base + `/account/accept-invitation/([A-Za-z0-9_-]+)`),
	"invitation/cancel": regexp.MustCompile(base + `/account/decline-invitation/([A-Za-z0-9_-]+)`),
	"forced-reset":      regexp.MustCompile(base + `/account/renew-password/([A-Za-z0-9_-]+)`),
}

func (s *site) claims(t *testing.T, p link.Purpose, m mail.Message) (link.Claims, link.Token) {
	t.Helper()
	found := links[p].FindStringSubmatch(m.Text)
	if found == nil {
		t.Fatalf("no %s link in:\n%s", p, m.Text)
	}
	claims, token, err := s.Links.Open(p, found[1])
	must(t, err)
	return claims, token
}

// submission is one as a starter makes it.
func (s *site) submission(t *testing.T, p keys.NewPassword) flow.Submission {
	t.Helper()
	w := flow.Submission{ID: p.ID(), LinkRun: run}
	var err error
	w.Sealed, err = s.sealer.Seal(p, w.SealContext(workflow.ResetPassword.ID(key)))
	must(t, err)
	return w
}

// chosen is a new password for the last link that was mailed.
func (s *site) chosen(t *testing.T, hash string) keys.NewPassword {
	t.Helper()
	return keys.NewPassword{Hash: hash, Digest: s.mailed(t).Digest(), Accepted: s.now, Client: from}
}

func (s *site) credential(t *testing.T) string {
	t.Helper()
	a, err := s.store.Account(t.Context(), ann.ID)
	must(t, err)
	return a.Credential
}

// audited checks the entries of an account in the audit log, oldest first.
func (s *site) audited(t *testing.T, id string, want ...account.Entry) {
	t.Helper()
	got, err := s.store.Audit(t.Context(), id)
	must(t, err)
	for i := range want {
		want[i].Run, want[i].AccountID, want[i].Client = run, id, from
		if want[i].At.IsZero() {
			want[i].At = start
		}
	}
	diff(t, "audit log of "+id, got, want)
}

// mailer is a mail server that can fail.
type mailer struct {
	fail  func(ctx context.Context, m mail.Message) error // nil takes every mail
	mu    sync.Mutex
	tried []mail.Message
}

func (f *mailer) Send(ctx context.Context, m mail.Message) error {
	f.mu.Lock()
	f.tried = append(f.tried, m)
	f.mu.Unlock()
	if f.fail == nil {
		return nil
	}
	return f.fail(ctx, m)
}

func (f *mailer) last(t *testing.T) mail.Message {
	t.Helper()
	if len(f.tried) == 0 {
		t.Fatal("no mail was tried")
	}
	return f.tried[len(f.tried)-1]
}

// to are the recipients that were tried since the last call, in order.
func (f *mailer) to() []string {
	var to []string
	for _, m := range f.tried {
		to = append(to, m.To)
	}
	f.tried = nil
	return to
}

// failing is a mail server that always fails alike.
func failing(outcome mail.Outcome, code int) func(context.Context, mail.Message) error {
	return func(context.Context, mail.Message) error {
		return &mail.Error{Outcome: outcome, Code: code, Step: "recipient"}
	}
}

// within gives an activity its run.
type within struct {
	interceptor.WorkerInterceptorBase
	interceptor.ActivityInboundInterceptorBase
	run sdk.Execution
}

func (w *within) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	in := &within{run: w.run}
	in.Next = next
	return in
}

func (w *within) Init(out interceptor.ActivityOutboundInterceptor) error {
	info := &infos{run: w.run}
	info.Next = out
	return w.ActivityInboundInterceptorBase.Init(info)
}

type infos struct {
	interceptor.ActivityOutboundInterceptorBase
	run sdk.Execution
}

func (i *infos) GetInfo(ctx context.Context) activity.Info {
	info := i.Next.GetInfo(ctx)
	info.WorkflowExecution = i.run
	return info
}

// lines is a log of the SDK.
type lines struct {
	mu  sync.Mutex
	all []string
}

var _ log.Logger = (*lines)(nil)

func (l *lines) Debug(msg string, kv ...any) { l.add(msg, kv) }
func (l *lines) Info(msg string, kv ...any)  { l.add(msg, kv) }
func (l *lines) Warn(msg string, kv ...any)  { l.add(msg, kv) }
func (l *lines) Error(msg string, kv ...any) { l.add(msg, kv) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// clean checks that a text holds no secret.
func clean(t *testing.T, what, text string, secrets ...string) {
	t.Helper()
	if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(text, s) }); i >= 0 {
		t.Errorf("%s holds a secret (number %d):\n%s", what, i, text)
	}
}

func (l *lines) add(msg string, kv []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprint(append([]any{msg}, kv...)...))
}

func (l *lines) String() string { return strings.Join(l.all, "\n") }

// spy is a store that notes the calls with tokens, and can fail.
type spy struct {
	account.Store
	find    func([]account.Account) []account.Account // the result of a database; nil changes nothing
	fail    error                                     // of every method that is used here
	issued  []account.TokenRecord
	before  []int // mails tried before each of them was issued
	revoked []account.RecordKey
	mailer  *mailer
	over    context.Context // of the last mail
	noted   context.Context // under which it was noted that a mail was taken
}

// watch puts a spy before the store of a site.
func watch(s *site) *spy {
	w := &spy{Store: s.store, mailer: s.mailer}
	s.Store = w
	return w
}

func (s *spy) Find(ctx context.Context, address string) ([]account.Account, error) {
	found, err := s.Store.Find(ctx, address)
	if s.find != nil {
		found = s.find(found)
	}
	return found, cmp.Or(s.fail, err)
}

func (s *spy) IssueToken(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
	issued, err := s.Store.IssueToken(ctx, t, limit)
	if err == nil {
		s.issued = append(s.issued, t)
		s.before = append(s.before, len(s.mailer.tried))
	}
	return issued, err
}

func (s *spy) RevokeToken(ctx context.Context, key account.RecordKey, at time.Time) error {
	s.revoked = append(s.revoked, key)
	return s.Store.RevokeToken(ctx, key, at)
}

func (s *spy) Notice(ctx context.Context, run, submission string) (account.Notice, error) {
	n, err := s.Store.Notice(ctx, run, submission)
	return n, cmp.Or(s.fail, err)
}

func (s *spy) Tell(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
	if what == account.TellDone {
		s.noted = ctx
	}
	return s.Store.Tell(ctx, submission, what, address, at)
}

func (s *spy) ChangePassword(ctx context.Context, c account.Change) (string, error) {
	if s.fail != nil {
		return "", s.fail
	}
	return s.Store.ChangePassword(ctx, c)
}
