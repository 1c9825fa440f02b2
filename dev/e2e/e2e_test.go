// Package e2e tests the whole product through its front doors: HTTP, mail, a browser
// and the Temporal server, all real and in one process.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
)

// cheap is the least Argon2id, for tests of other things than hashing.
var cheap = stack.Throwaway("").Hashing

// shared is the stack of all tests without a special configuration. Each takes accounts of its
// own.
var shared *stack.Stack

func TestMain(m *testing.M) {
	if spec, ok := os.LookupEnv(workerEnv); ok {
		fmt.Fprintln(os.Stderr, workAs(spec))
		os.Exit(1)
	}
	os.Exit(site.Main(func() int { return run(m) }))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rekey-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	shared, err = stack.Start(context.Background(), config(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Stop()
	return m.Run()
}

// config is a throwaway stack with Temporal's UI.
func config(dir string) stack.Config {
	cfg := stack.Throwaway(dir)
	cfg.UI = "127.0.0.1:0"
	return cfg
}

// start starts a stack for one test, which may change the configuration.
func start(t *testing.T, change func(*stack.Config)) *stack.Stack {
	t.Helper()
	cfg := config(t.TempDir())
	if change != nil {
		change(&cfg)
	}
	return stacktest.Start(t, cfg)
}

var people atomic.Int64

// newPerson puts an account into the store that no other test knows, with the seeded
// password. A change may make it a special one.
func newPerson(tb testing.TB, s *stack.Stack, change func(*account.Account)) account.Account {
	tb.Helper()
	n := people.Add(1)
	who := account.Account{
		ID: fmt.Sprintf("person-%d", n), Address: fmt.Sprintf("person-%d@example.com", n),
		Credential: cheap.Hash(demo.Password, make([]byte, 16)), Resettable: true,
	}
	if change != nil {
		change(&who)
	}
	if err := s.Store.Put(tb.Context(), who); err != nil {
		tb.Fatal(err)
	}
	return who
}

// answer is the answer of the JSON routes.
type answer struct {
	code   int
	Status string
	Code   string
	State  string
}

// post sends JSON.
func post(tb testing.TB, s *stack.Stack, path string, body any) answer {
	tb.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := read(http.Post(s.URL+path, "application/json", bytes.NewReader(b)))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// postAside is post for other goroutines than the test's, which cannot end it: an error is
// the code of the answer.
func postAside(s *stack.Stack, path string, pairs ...string) answer {
	a, err := read(http.Post(s.URL+path, asJSON, strings.NewReader(jsonOf(pairs...))))
	if err != nil {
		a.Code = err.Error()
	}
	return a
}

func get(tb testing.TB, s *stack.Stack, path string) answer {
	tb.Helper()
	a, err := read(http.Get(s.URL + path))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func read(resp *http.Response, err error) (a answer, _ error) {
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	a.code = resp.StatusCode
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("status %d, body %q: %w", resp.StatusCode, body, err)
	}
	return a, nil
}

func forgot(tb testing.TB, s *stack.Stack, address string) {
	tb.Helper()
	if a := post(tb, s, "/account/forgot_password", map[string]string{"email": address}); a.code != 200 || a.Status != "okay" {
		tb.Fatalf("forgot_password: %+v", a)
	}
}

func reset(tb testing.TB, s *stack.Stack, token, newPassword string) answer {
	tb.Helper()
	return post(tb, s, "/account/reset_password/"+token, map[string]string{"password": newPassword})
}

// submit submits a password while no worker runs: it is accepted, and known to be so. On a
// busy machine Temporal may not answer the starter in time; then it is submitted again.
func submit(t *testing.T, s *stack.Stack, token string) {
	t.Helper()
	var a answer
	process.Eventually(t, patience, "an answer without a worker", func() bool {
		a = reset(t, s, token, newPassword)
		return a.code != 503
	})
	if a.code != 202 || a.Status != "pending" {
		t.Fatalf("reset without a worker: %+v", a)
	}
}

func signIn(tb testing.TB, s *stack.Stack, address, pw string) int {
	tb.Helper()
	return post(tb, s, "/account/login", map[string]string{"email": address, "password": pw}).code
}

var (
	resetLink  = site.ResetLink
	cancelLink = regexp.MustCompile(`/account/cancel-reset/([A-Za-z0-9_-]+)`)
)

// mailed waits for the n-th mail to an address and returns its text.
func mailed(tb testing.TB, s *stack.Stack, address string, n int) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	mails, err := s.Mail.Wait(ctx, address, n)
	if err != nil {
		tb.Fatal(err)
	}
	return mails[n-1].Text
}

// tokens are the reset and the cancel token of the n-th mail to an address.
func tokens(tb testing.TB, s *stack.Stack, address string, n int) (toReset, toCancel string) {
	tb.Helper()
	text := mailed(tb, s, address, n)
	r, c := resetLink.FindStringSubmatch(text), cancelLink.FindStringSubmatch(text)
	if r == nil || c == nil {
		tb.Fatalf("the mail lacks a link:\n%s", text)
	}
	return r[1], c[1]
}
