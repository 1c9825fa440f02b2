package main

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/options"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// asProgram makes the test binary the program itself, so that a test starts it as a
// process without linking the Temporal server a second time.
const asProgram = "REKEY_DEV_TEST_AS_PROGRAM=1"

func TestMain(m *testing.M) {
	if os.Getenv("REKEY_DEV_TEST_AS_PROGRAM") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(postgrestest.Run(m))
}

// program is the development program, running.
type program struct {
	*process.Process
	url, inbox string
	client     *http.Client
}

// launch starts the program on free ports; an argument may set one again.
func launch(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	const free = "127.0.0.1:0"
	args = append([]string{"--listen", free, "--temporal", free, "--ui", free, "--inbox", free, "--smtp", free}, args...)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &program{
		Process: process.Start(t, os.Args[0], append(env, asProgram), args...),
		client:  &http.Client{Jar: jar, Timeout: time.Minute},
	}
}

// running is launch that waits until everything runs.
func running(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	p := launch(t, env, args...)
	p.ready(t)
	return p
}

// ready waits until everything runs.
func (p *program) ready(t *testing.T) {
	t.Helper()
	if got, want := p.Await(t, p.Out, "password: "), "password: "+demo.Password; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.url = strings.TrimSuffix(p.where(t, "demo application"), "/login")
	p.inbox = p.where(t, "inbox")
}

// where is the address that the program has printed for a part.
func (p *program) where(t *testing.T, part string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^  ` + part + ` +(\S+)$`).FindStringSubmatch(p.Out.String())
	if m == nil {
		t.Fatalf("not told where the %s is:\n%s", part, p.Out)
	}
	return m[1]
}

// stop ends the program and checks that it ends well.
func (p *program) stop(t *testing.T) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}

func (p *program) do(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// post sends a request, and once more while Temporal does not answer, as people do.
func (p *program) post(t *testing.T, path, body string) (status int, answer string) {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; {
		status, answer = p.do(t, http.MethodPost, p.url+path, body)
		if status != http.StatusServiceUnavailable || time.Now().After(late) {
			return status, answer
		}
	}
}

// reset submits a new password again and again while the answer is that the first submission is
// under way, as the page does.
func (p *program) reset(t *testing.T, token, password string) {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; {
		status, body := p.post(t, "/account/reset_password/"+token, `{"password":"`+password+`"}`)
		if status == http.StatusAccepted && time.Now().Before(late) {
			continue
		}
		if status != http.StatusOK {
			t.Errorf("reset: %d %s", status, body)
		}
		return
	}
}

func (p *program) signIn(t *testing.T, address, password string) int {
	t.Helper()
	status, _ := p.post(t, "/account/login", `{"email":"`+address+`","password":"`+password+`"}`)
	return status
}

func TestSaysWhereEverythingIs(t *testing.T) {
	t.Parallel()
	p := launch(t, nil, "--accounts", "1000", "--client-limit", "3")
	p.Await(t, p.Out, "starting keys and accounts")
	p.Await(t, p.Out, "starting inbox")
	p.ready(t)
	got := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(p.Out.String(), "127.0.0.1:PORT")
	golden.Check(t, "output.golden", got)

	for _, part := range []string{"demo application", "inbox", "Temporal UI"} {
		if status, body := p.do(t, http.MethodGet, p.where(t, part), ""); status != 200 || !strings.Contains(body, "<html") {
			t.Errorf("%s: status %d", part, status)
		}
	}
	for _, part := range []string{"Temporal server", "mail server"} {
		conn, err := net.Dial("tcp", p.where(t, part))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if status := p.signIn(t, "user1000@example.com", demo.Password); status != 200 {
		t.Errorf("sign-in of the last account: %d", status)
	}
	if status := p.signIn(t, "user1001@example.com", demo.Password); status != 401 {
		t.Errorf("sign-in of one account more: %d", status)
	}
	for n, want := range []int{200, 200, 200, 429, 429} {
		if status, body := p.post(t, "/account/forgot_password", `{"email":"alice@example.com"}`); status != want {
			t.Errorf("request %d: %d %s, want %d", n+1, status, body, want)
		}
	}
	p.token(t, "alice") // else the end comes in the middle of a mail, and is reported
	p.stop(t)
	if told := p.Err.String(); strings.Count(told, "\n") != 1 || !strings.Contains(told, "A client on a private network made too many requests") {
		t.Errorf("standard error: %s", told)
	}
	if left, err := os.ReadDir(p.TempDir()); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// With --data a password, a session and a link that waits in a mailbox outlive the program.
func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	const changed = "plum velvet thirty gulls"
	data := filepath.Join(t.TempDir(), "new", "folder")
	first := running(t, nil, "--data", data, "--client-limit", "0")
	for range 20 { // no limit
		if status, _ := first.post(t, "/account/forgot_password", `{"email":"alice@example.com"}`); status != 200 {
			t.Fatalf("forgot_password: %d", status)
		}
	}
	first.reset(t, first.token(t, "alice"), changed)
	first.signIn(t, "alice@example.com", changed)
	first.post(t, "/account/forgot_password", `{"email":"bob@example.com"}`)
	token := first.token(t, "bob")
	first.stop(t)

	// A link begins with the address of the demo application, so that stays.
	second := running(t, nil, "--data", data, "--listen", strings.TrimPrefix(first.url, "http://"))
	if status, _ := second.do(t, http.MethodGet, second.url+"/account/reset_password/"+token, ""); status != 200 {
		t.Errorf("state of the link: %d", status)
	}
	second.reset(t, token, changed)
	for _, who := range []string{"alice", "bob"} {
		if status := second.signIn(t, who+"@example.com", changed); status != 200 {
			t.Errorf("sign-in of %s with the new password: %d", who, status)
		}
	}
	second.client.Jar = first.client.Jar
	if status, body := second.do(t, http.MethodGet, second.url+"/api/v1/user", ""); status != 200 || !strings.Contains(body, "alice@example.com") {
		t.Errorf("session of before: %d %s", status, body)
	}
	second.stop(t)
}

// token waits for the link mail of a person. The inbox has no call that waits, so its list is
// requested again and again.
func (p *program) token(t *testing.T, who string) string {
	t.Helper()
	link := regexp.MustCompile(`/account/change-password/([A-Za-z0-9_-]+)`)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for late := time.After(time.Minute); ; {
		if m := link.FindStringSubmatch(p.mail(t, who)); m != nil {
			return m[1]
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("no mail to %s", who)
		}
	}
}

// mail is the newest mail to a person as JSON, or nothing.
func (p *program) mail(t *testing.T, who string) string {
	t.Helper()
	_, found := p.do(t, http.MethodGet, p.inbox+"/api/v1/search?query=to:"+who+"@example.com", "")
	id := regexp.MustCompile(`"ID":"([^"]+)"`).FindStringSubmatch(found)
	if id == nil {
		return ""
	}
	_, text := p.do(t, http.MethodGet, p.inbox+"/api/v1/message/"+id[1], "")
	return text
}

func TestWithoutResetPassword(t *testing.T) {
	t.Parallel()
	p := running(t, []string{"REKEY_DEV_RESET_PASSWORD=false", "REKEY_DEV_LISTEN=127.0.0.1:1"})
	if _, body := p.do(t, http.MethodGet, p.url+"/api/v1/settings", ""); strings.TrimSpace(body) != `{"user:reset-password":false}` {
		t.Errorf("settings: %s", body)
	}
	for path, body := range map[string]string{
		"/account/forgot_password":  `{"email":"alice@example.com"}`,
		"/account/reset_password":   `{"token":"x","password":"x"}`,
		"/account/reset_password/x": `{"password":"x"}`,
	} {
		if status, body := p.post(t, path, body); status != 400 || !strings.Contains(body, `"password_reset_unavailable"`) {
			t.Errorf("POST %s: %d %s", path, status, body)
		}
	}
	if _, page := p.do(t, http.MethodGet, p.url+"/login", ""); strings.Contains(page, "forgot") || strings.Contains(page, "Forgot") {
		t.Errorf("sign-in page speaks of forgotten passwords:\n%s", page)
	}
	p.interruptTwice(t)
}

// interruptTwice acts as an impatient person while a request is in progress.
func (p *program) interruptTwice(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The invitation to go on proves that the request is in progress.
	const head = "POST /account/login HTTP/1.1\r\nHost: dev\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100"))); err != nil {
		t.Fatal(err)
	}
	p.Signal(t, os.Interrupt)
	p.Await(t, p.Out, "stopping")
	p.Signal(t, os.Interrupt)
	if code := p.Exit(t); code != -1 {
		t.Errorf("exit code %d, want an end by the signal", code)
	}
}

func TestFlagsHaveVariablesAndHelp(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&options.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range parser.Model.Flags {
		if f.Name == "help" {
			continue
		}
		want := "REKEY_DEV_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if len(f.Envs) != 1 || f.Envs[0] != want || seen[want] {
			t.Errorf("--%s: variables %v, want %s", f.Name, f.Envs, want)
		}
		if seen[want] = true; !strings.HasSuffix(f.Help, ".") {
			t.Errorf("--%s: help %q, want a sentence", f.Name, f.Help)
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d flags, want 12", len(seen))
	}
}
