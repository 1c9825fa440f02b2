package site

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
)

// Start starts a command with the site's settings; of those given twice the ones in more
// count.
func (s *Site) Start(t *testing.T, more []string, args ...string) *process.Process {
	t.Helper()
	return s.StartWith(t, nil, more, args...)
}

// StartWith is Start with attributes for the kernel, such as fewer rights.
func (s *Site) StartWith(t *testing.T, attr *syscall.SysProcAttr, more []string, args ...string) *process.Process {
	t.Helper()
	return process.StartWith(t, attr, s.Program(t), append(append([]string{}, s.Env...), more...), args...)
}

// Program is the path of rekey.
func (s *Site) Program(t *testing.T) string {
	t.Helper()
	if s.Path != "" {
		return s.Path
	}
	path, err := rekey()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Shell begins commands of a shell in a folder, as an operator types them.
func (s *Site) Shell(t *testing.T, dir, commands string, more ...string) *process.Process {
	t.Helper()
	script := "set -eu; PATH=" + filepath.Dir(s.Program(t)) + ":$PATH; cd " + dir + "\n" + commands
	return process.Start(t, "/bin/sh", append(append([]string{}, s.Env...), more...), "-c", script)
}

// Type is Shell for commands that end well.
func (s *Site) Type(t *testing.T, commands string) {
	t.Helper()
	p := s.Shell(t, s.Dir, commands)
	if code := p.Exit(t); code != 0 {
		t.Fatalf("exit code %d of\n%s%s%s", code, commands, p.Out, p.Err)
	}
}

// Run waits for the end of a command and checks its exit code.
func (s *Site) Run(t *testing.T, code int, args ...string) *process.Process {
	t.Helper()
	p := s.Start(t, nil, args...)
	if got := p.Exit(t); got != code {
		t.Fatalf("rekey %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, p.Out, p.Err)
	}
	return p
}

// Worker starts a worker and returns when it says that it works.
func (s *Site) Worker(t *testing.T, more ...string) *process.Process {
	t.Helper()
	p := s.Start(t, more, "worker")
	p.Await(t, p.Err, `"worker started"`)
	return p
}

// Starter starts a starter and returns when it says that it listens.
func (s *Site) Starter(t *testing.T, more ...string) *process.Process {
	t.Helper()
	p := s.Start(t, more, "starter")
	p.Await(t, p.Err, `"starter listens"`)
	return p
}

// Answer is the answer of the JSON routes.
type Answer struct {
	HTTP   int         `json:"-"` // the status code
	Header http.Header `json:"-"`

	Status, Code, State string
}

// Try sends JSON, as a client does that can be left without an answer.
func (s *Site) Try(path string, body map[string]string) (a Answer, err error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	resp, err := http.Post(s.URL+path, "application/json", bytes.NewReader(sent)) //nolint:noctx // the starter bounds its answers
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return a, err
	}
	a.HTTP, a.Header = resp.StatusCode, resp.Header
	return a, json.Unmarshal(got, &a)
}

// Post sends JSON.
func (s *Site) Post(t *testing.T, path string, body map[string]string) Answer {
	t.Helper()
	a, err := s.Try(path, body)
	if err != nil {
		t.Fatalf("POST %s: %v", path, err)
	}
	return a
}

// PostPatiently is Post with retries while the starter cannot take it now, as a client does by
// the answer. On a busy machine Temporal may not answer it in time.
func (s *Site) PostPatiently(t *testing.T, path string, body map[string]string) Answer {
	t.Helper()
	return s.postUntil(t, path, body, func(a Answer) bool { return a.HTTP != http.StatusServiceUnavailable })
}

func (s *Site) postUntil(t *testing.T, path string, body map[string]string, is func(Answer) bool) (a Answer) {
	t.Helper()
	process.Succeeds(t, s.Patience, "POST "+path, func() error {
		if a = s.Post(t, path, body); !is(a) {
			return fmt.Errorf("the last answer: %+v", a)
		}
		return nil
	})
	return a
}

// Forgot requests a link.
func (s *Site) Forgot(t *testing.T, who account.Account) {
	t.Helper()
	if a := s.PostPatiently(t, "/account/forgot_password", map[string]string{"email": who.Address}); a.HTTP != http.StatusOK {
		t.Fatalf("forgot_password: %+v", a)
	}
}

const resetPath = "/account/reset_password/"

// Reset submits a password.
func (s *Site) Reset(t *testing.T, token, password string) Answer {
	t.Helper()
	return s.Post(t, resetPath+token, map[string]string{"password": password})
}

// Submit submits a password without a worker to apply it: the answer says that it is accepted.
func (s *Site) Submit(t *testing.T, token, password string) {
	t.Helper()
	a := s.PostPatiently(t, resetPath+token, map[string]string{"password": password})
	if a.HTTP != http.StatusAccepted || a.Status != "pending" {
		t.Fatalf("reset_password while nobody can apply it: %+v", a)
	}
}

// Decide submits a password until it is decided about. A person does the same after an answer
// that it takes longer, or that the starter cannot take it now.
func (s *Site) Decide(t *testing.T, token, password string) Answer {
	t.Helper()
	return s.postUntil(t, resetPath+token, map[string]string{"password": password}, func(a Answer) bool {
		return a.HTTP != http.StatusAccepted && a.HTTP != http.StatusServiceUnavailable
	})
}

// Insist submits a password until it is said to be changed.
func (s *Site) Insist(t *testing.T, token, password string) {
	t.Helper()
	if a := s.Decide(t, token, password); a.HTTP != http.StatusOK {
		t.Fatalf("reset_password: %+v", a)
	}
}

// Mails waits until a person has n mails.
func (s *Site) Mails(t *testing.T, who account.Account, n int) []inbox.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.Patience)
	defer cancel()
	mails, err := s.Mail.Wait(ctx, who.Address, n)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

// ResetLink finds the reset link's path and token in a mail.
var ResetLink = regexp.MustCompile(`/account/change-password/([A-Za-z0-9_-]+)`)

// Token waits for a person's n-th mail and returns the token of its link to this site.
func (s *Site) Token(t *testing.T, who account.Account, n int) string {
	t.Helper()
	text := s.Mails(t, who, n)[n-1].Text
	m := ResetLink.FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, s.URL+m[0]) {
		t.Fatalf("no link to %s in the mail:\n%s", s.URL, text)
	}
	return m[1]
}
