package backend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/starter"
)

const (
	token = "0123456789abcdef0123456789abcdef"
	other = "fedcba9876543210fedcba9876543210"
	post  = http.MethodPost
)

// fakeFlows stands for Temporal: it remembers its calls.
type fakeFlows struct {
	err  error                           // of all calls
	call func(ctx context.Context) error // in place of err

	mu    sync.Mutex
	calls []string
}

func (f *fakeFlows) called(ctx context.Context, format string, values ...any) error {
	f.mu.Lock()
	f.calls = append(f.calls, fmt.Sprintf(format, values...)+fmt.Sprintf(" by %s from %s", backend.Caller(ctx), starter.ClientAddr(ctx)))
	f.mu.Unlock()
	if f.call != nil {
		return f.call(ctx)
	}
	return f.err
}

func (f *fakeFlows) Invite(ctx context.Context, i backend.Invitation) error {
	return f.called(ctx, "invite %s %s %q", i.Address, i.Life, i.Inviter)
}

func (f *fakeFlows) ResendInvitation(ctx context.Context, address string) error {
	return f.called(ctx, "resend %s", address)
}

func (f *fakeFlows) CancelInvitation(ctx context.Context, address string) error {
	return f.called(ctx, "cancel %s", address)
}

func (f *fakeFlows) ForceReset(ctx context.Context, forced backend.Forced) error {
	return f.called(ctx, "force %s %q%s", forced.Address, forced.Reason, forced.ID)
}

func (f *fakeFlows) Bounced(ctx context.Context, b backend.Bounce) error {
	return f.called(ctx, "%s %s", b.Kind, b.MessageID)
}

// taken is the calls so far, in one text.
func (f *fakeFlows) taken() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, "; ")
}

// newHandler is a handler with two tokens, and its log.
func newHandler(t *testing.T, flows backend.Flows, change ...func(*backend.Config)) (http.Handler, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	tokens, err := backend.ParseTokens(token + "\n" + other + "\n")
	check(t, err)
	c := backend.Config{Flows: flows, Tokens: tokens, Log: zerolog.New(log)}
	for _, change := range change {
		change(&c)
	}
	h, err := backend.NewHandler(c)
	check(t, err)
	return h, log
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request with a token, unless a header says otherwise.
func ask(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// codeOf is the code of an answer of the shape that package web has too.
func codeOf(t *testing.T, body []byte) string {
	t.Helper()
	var a struct{ Status, Code, Error, Message string }
	check(t, json.Unmarshal(body, &a))
	if a.Status != "error" || a.Error == "" || a.Error != a.Message {
		t.Errorf("another shape: %s", body)
	}
	return a.Code
}
