package starter

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

// filter is a client without a server behind it, and the number of calls that it tried.
type filter struct {
	*Client
	calls atomic.Int64
}

var errCalled = errors.New("a call")

func newFilter(tb testing.TB) *filter {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "keys")
	if err := keys.Create(dir, true); err != nil {
		tb.Fatal(err)
	}
	f := &filter{}
	cfg := Config{
		Keys: keys.Open(dir, keys.AllowDev), BaseURL: link.MustParseBaseURL("https://id.example.com"),
		Policy: password.DefaultPolicy(), Budget: password.NewBudget(1, 0, time.Second),
	}
	f.Client = &Client{
		cfg: cfg.withDefaults(), namespace: client.DefaultNamespace, pace: &pace{},
		flow: workflow.ResetPassword, purposes: link.Of(workflow.ResetPassword.Kind),
	}
	if err := errors.Join(f.loadKeys(), f.makeMemory()); err != nil {
		tb.Fatal(err)
	}
	count := func(context.Context, string, any, any, *grpc.ClientConn, grpc.UnaryInvoker, ...grpc.CallOption) error {
		f.calls.Add(1)
		return errCalled
	}
	f.call(tb, client.Options{}, count)
	return f
}

// call sets the stand-in for a Temporal server.
func (f *filter) call(tb testing.TB, options client.Options, server grpc.UnaryClientInterceptor) {
	tb.Helper()
	options.ConnectionOptions.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(server)}
	lazy, err := client.NewLazyClient(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(lazy.Close)
	f.temporal = lazy
}

// token seals a genuine link.
func (f *filter) token(tb testing.TB, purpose link.Purpose, expires time.Time) string {
	tb.Helper()
	token, err := f.links.Seal(purpose, link.Claims{
		RunID: "6b1f3a52-7a0e-4c1d-9e53-0d2f4a6b8c01", AccountKey: strings.Repeat("a", 32),
		Expires: expires.Truncate(time.Second), Address: "ada@example.com",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return token.Text()
}

const goodPassword = "plum velvet thirty gulls"

// security 6: a link that is expired or not genuine is refused before any call. So is a password
// that breaks the policy.
func TestRefusedWithoutACall(t *testing.T) {
	t.Parallel()
	f := newFilter(t)
	fresh, old := time.Now().Add(time.Minute), time.Now().Add(-clockSkew-2*time.Second)
	tooOld := old.Add(-toldFor)
	good := f.token(t, link.Reset, fresh)
	refusal := new(*password.Refusal)
	for name, tc := range map[string]struct {
		token, password string
		want            func(error) bool
	}{
		"forged":          {strings.Repeat("A", len(good)), goodPassword, is(ErrLinkInvalid)},
		"changed":         {swapCase(good), goodPassword, is(ErrLinkInvalid)},
		"cut":             {good[:len(good)-1], goodPassword, is(ErrLinkInvalid)},
		"empty":           {"", goodPassword, is(ErrLinkInvalid)},
		"of a cancel":     {f.token(t, link.Cancel, fresh), goodPassword, is(ErrLinkInvalid)},
		"old":             {f.token(t, link.Reset, tooOld), goodPassword, is(ErrLinkExpired)},
		"expired, short":  {f.token(t, link.Reset, old), "short", is(ErrLinkExpired)},
		"short password":  {good, "short", func(err error) bool { return errors.As(err, refusal) }},
		"too long":        {good, strings.Repeat("ab ", 400), func(err error) bool { return errors.As(err, refusal) }},
		"good (it calls)": {good, goodPassword, is(ErrUnavailable)},
		"expired (calls)": {f.token(t, link.Reset, old), goodPassword, is(ErrUnavailable)},
	} {
		before := f.calls.Load()
		err := f.Submit(t.Context(), tc.token, tc.password)
		if !tc.want(err) {
			t.Errorf("%s: %v", name, err)
		}
		if called := f.calls.Load() > before; called != errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: called Temporal: %v", name, called)
		}
	}
}

func is(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }

// swapCase changes one character in the middle.
func swapCase(s string) string {
	i := len(s) / 2
	for strings.ToUpper(s[i:i+1]) == strings.ToLower(s[i:i+1]) {
		i++
	}
	c := strings.ToUpper(s[i : i+1])
	if c == s[i:i+1] {
		c = strings.ToLower(c)
	}
	return s[:i] + c + s[i+1:]
}

// An error for the log names no address, link or password.
func TestErrorsTellNothing(t *testing.T) {
	t.Parallel()
	f := newFilter(t)
	good := f.token(t, link.Reset, time.Now().Add(time.Minute))
	for _, err := range []error{
		f.Submit(t.Context(), good, goodPassword),
		f.Submit(t.Context(), swapCase(good), goodPassword),
		f.Submit(t.Context(), good, "short"),
		f.Cancel(t.Context(), f.token(t, link.Cancel, time.Now().Add(time.Minute))),
	} {
		if err == nil {
			t.Fatal("no error")
		}
		for _, secret := range []string{good, "ada@example.com", goodPassword} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q in %q", secret, err)
			}
		}
	}
}
