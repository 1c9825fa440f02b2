package web

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/starter"
)

// fakeResets gives fixed answers and remembers its calls.
type fakeResets struct {
	link    starter.Link
	inspect error // answer of Inspect
	err     error // answer of all other methods
	base    string

	mu    sync.Mutex
	calls []string
	from  []string // client addresses, one per call
}

func (f *fakeResets) note(ctx context.Context, call ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, strings.Join(call, " "))
	f.from = append(f.from, starter.ClientAddr(ctx).String())
}

func (f *fakeResets) Request(ctx context.Context, email string) error {
	f.note(ctx, "request", email)
	return f.err
}

func (f *fakeResets) Inspect(ctx context.Context, token string) (starter.Link, error) {
	f.note(ctx, "inspect", token)
	return f.link, f.inspect
}

func (f *fakeResets) Submit(ctx context.Context, token, password string) error {
	f.note(ctx, "submit", token, password)
	return f.err
}

func (f *fakeResets) Follow(string) (string, error) { return "TICKET", f.inspect }

func (f *fakeResets) Followed(ctx context.Context, ticket string) (starter.LinkState, error) {
	f.note(ctx, "followed", ticket)
	return f.link.State, f.inspect
}

func (f *fakeResets) Cancel(ctx context.Context, token string) error {
	f.note(ctx, "cancel", token)
	return f.err
}

func (f *fakeResets) Settings() starter.Settings {
	return starter.Settings{BaseURL: link.MustParseBaseURL(cmp.Or(f.base, baseURL)), Product: "Acme", MinLength: 15}
}

func (*fakeResets) Proof() *starter.Proof { return nil }

func testConfig() Config {
	return Config{
		LoginURL: "/login", Support: "help@example.com", Enabled: true, Log: zerolog.Nop(),
	}
}

func newTestHandler(tb testing.TB, resets starter.Resets, change ...func(*Config)) http.Handler {
	tb.Helper()
	cfg := testConfig()
	cfg.Invitations, cfg.Renewals = resets, resets
	for _, c := range change {
		c(&cfg)
	}
	h, err := NewHandler(resets, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// allRoutes are those of all flows.
func allRoutes() []route {
	h := &handler{flows: flows(&fakeResets{}, Config{Invitations: &fakeResets{}, Renewals: &fakeResets{}}), byRoute: map[string]*siteFlow{}}
	return h.routes()
}

// exchange sends a request with headers given as "Name: value".
func exchange(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// fromForm is the header of a browser that comes from rekey's own form.
const fromForm = "Sec-Fetch-Site: same-origin"

// Names of package body, whose name the tests have for bodies.
const maxBody = body.Max

var decode = body.Read

type fields = body.Fields

const asJSON, asForm, forPage = "Content-Type: " + typeJSON, "Content-Type: " + typeForm, "Accept: text/html"

// jsonBody and formBody write name, value, name, value, ...
func jsonBody(pairs ...string) string {
	fields := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func formBody(pairs ...string) string {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form.Encode()
}

func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var f failure
	if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	if f.Status != "error" || f.Error == "" || f.Error != f.Message {
		t.Errorf("answer %+v", f)
	}
	return f.Code
}
