package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

const (
	owner   = "alice@example.com"
	chose   = "plum velvet thirty gulls"
	starter = "http://127.0.0.1:9080"
	mailpit = "http://127.0.0.1:9025"
)

// site is a checkout in which docs/deploy/compose.md is followed.
type site struct {
	*engine

	dir    string
	blocks map[string]string // the commands of the page, by heading
	ran    map[string]bool
	people int // accounts that have asked for a link
}

// newSite checks the source out, as an account with a strict umask does.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{engine: newEngine(t), dir: t.TempDir(), blocks: blocks(t, "docs/deploy/compose.md"), ran: map[string]bool{}}
	s.shell(t, root, "git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - | tar -x --no-same-permissions -C '"+s.dir+"'")
	// The test is one client with many requests.
	override := "services: {starter: {environment: {REKEY_CLIENT_LIMIT: \"0\"}}}\n"
	if err := os.WriteFile(filepath.Join(s.dir, "docker-compose.override.yml"), []byte(override), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lines := "docker compose --profile operator down --volumes"
		if t.Failed() {
			lines = "docker compose ps --all; docker compose logs --no-color --tail 15 2>&1; " + lines
		}
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", lines)
		cmd.Dir, cmd.Env = s.dir, s.env()
		if out, err := cmd.CombinedOutput(); err != nil || t.Failed() {
			t.Logf("%v: %s", err, out)
		}
	})
	return s
}

// blocks are the shell commands of a page, by the heading above them.
func blocks(t *testing.T, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for part := range strings.SplitSeq("\n"+string(text), "\n## ") {
		heading, body, _ := strings.Cut(part, "\n")
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(body, -1) {
			found[heading] += block[1]
		}
	}
	return found
}

// follow runs the commands under a heading of the page. Each pair is a passage and its replacement.
func (s *site) follow(t *testing.T, heading string, pairs ...string) string {
	t.Helper()
	lines, ok := s.blocks[heading]
	if !ok {
		t.Fatalf("the page has no commands under %q", heading)
	}
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(lines, pair[0]) {
			t.Fatalf("the commands under %q have no %q", heading, pair[0])
		}
		lines = strings.ReplaceAll(lines, pair[0], pair[1])
	}
	s.ran[heading] = true
	return s.compose(t, lines)
}

func (s *site) compose(t *testing.T, lines string) string {
	t.Helper()
	return s.shell(t, s.dir, lines)
}

// docs/deploy/compose.md is true: each of its commands does what the page says, in that order, with a
// real Docker Engine. What was accepted outlives the end of every process, of the engine and of all
// at once.
func TestComposePage(t *testing.T) { //nolint:paralleltest // it publishes the ports of the page
	suite.Long(t)
	s := newSite(t)
	s.follow(t, "Start")
	s.checkImage(t)
	s.follow(t, "Try it")
	s.use(t, s.request(t, owner, nil))
	s.operators(t)
	s.compose(t, `docker compose exec -T postgres psql -U postgres rekey -c "INSERT INTO rekey.accounts (id, address, credential)
		SELECT 'p' || n, 'person-' || n || '@example.com', '\$argon2id\$none yet' FROM generate_series(1, 100) n"`)
	s.proxied(t)
	s.scaled(t)
	s.killEach(t)
	s.killAll(t)
	s.backedUp(t)
	for _, heading := range []string{"Replace a key", "Replace a password", "Replace the certificates", "Install a new build", "Stop"} {
		token := s.requested(t)
		s.follow(t, heading)
		s.jobsEndedWell(t)
		s.use(t, token)
	}
	s.firstStarts(t)
	for heading := range s.blocks {
		if !s.ran[heading] {
			t.Errorf("nothing has run the commands under %q", heading)
		}
	}
}

// checkImage judges the image that was built.
func (s *site) checkImage(t *testing.T) {
	t.Helper()
	size, err := strconv.Atoi(strings.TrimSpace(s.compose(t, "docker image inspect --format '{{.Size}}' rekey:devel")))
	if err != nil || size > 40_000_000 {
		t.Errorf("the image has %d bytes, %v, want 40 MB at most", size, err)
	}
	var labels map[string]string
	if err := json.Unmarshal([]byte(s.compose(t, "docker image inspect --format '{{json .Config.Labels}}' rekey:devel")), &labels); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"title", "description", "source", "documentation", "licenses", "version"} {
		if labels["org.opencontainers.image."+name] == "" {
			t.Errorf("the image has no label %s: %v", name, labels)
		}
	}
}

// operators runs the commands of operators.
func (s *site) operators(t *testing.T) {
	t.Helper()
	id := regexp.MustCompile(`reset/[0-9a-f]{32}`)
	found := id.FindString(s.compose(t, "docker compose run --rm operator find "+owner))
	out := s.follow(t, "Operators", id.FindString(s.blocks["Operators"]), found)
	for _, want := range []string{found, "completed", "password_changed", "WorkflowExecutionCompleted"} {
		if !strings.Contains(out, want) {
			t.Errorf("the commands of operators do not print %q:\n%s", want, out)
		}
	}
	decoded := s.compose(t, "docker compose run --rm temporal-cli workflow show --output json --workflow-id "+found)
	if !strings.Contains(decoded, owner) {
		t.Errorf("a run is shown encrypted:\n%.2000s", decoded)
	}
}

// proxied checks whose address counts when a proxy on this machine passes requests on.
func (s *site) proxied(t *testing.T) {
	t.Helper()
	const client = "198.51.100.7"
	s.compose(t, "echo REKEY_TRUSTED_PROXIES=10.213.83.1/32 >>.env\ndocker compose up --wait starter")
	s.use(t, s.request(t, "person-100@example.com", http.Header{"X-Forwarded-For": {client}}))
	if out := s.compose(t, "docker compose run --rm operator audit person-100@example.com"); !strings.Contains(out, client) {
		t.Errorf("the audit log lacks the client behind the proxy:\n%s", out)
	}
}

// scaled runs a second starter.
func (s *site) scaled(t *testing.T) {
	t.Helper()
	lines := strings.SplitAfterN(s.blocks["Make it yours"], "\n", 2)
	s.compose(t, lines[0])
	for _, port := range []string{"9080", "9081"} {
		if status, body := send(t, http.MethodGet, "http://127.0.0.1:"+port+"/account/forgot-password", nil, ""); status != http.StatusOK {
			t.Errorf("the starter on port %s: %d %s", port, status, body)
		}
	}
	s.compose(t, lines[1])
	s.ran["Make it yours"] = true
}

// killEach kills the process of each container in turn, in the middle of a reset.
func (s *site) killEach(t *testing.T) {
	t.Helper()
	for name, pid := range s.pids(t) {
		token := s.requested(t)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.use(t, token)
		s.compose(t, "docker compose up --wait # after the end of "+name)
	}
}

// killAll kills everything while resets are open: the processes of all containers at once, and then
// those of the engine too.
func (s *site) killAll(t *testing.T) {
	t.Helper()
	for _, kill := range []func(){
		func() {
			for _, pid := range s.pids(t) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		},
		func() {
			s.kill(t)
			s.start(t)
		},
	} {
		var tokens []string
		for range 10 {
			tokens = append(tokens, s.requested(t))
		}
		kill()
		for _, token := range tokens {
			s.use(t, token)
		}
	}
}

// backedUp puts a backup back in place of everything.
func (s *site) backedUp(t *testing.T) {
	t.Helper()
	token := s.requested(t)
	s.follow(t, "Back up")
	s.compose(t, "docker compose down --volumes\nrm -rf .env deploy/compose/secrets\ncp -R backup/.env .\ncp -R backup/secrets deploy/compose/")
	s.follow(t, "Restore")
	s.use(t, token)
}

// jobsEndedWell checks the jobs, also after a restart, when they begin before their servers.
func (s *site) jobsEndedWell(t *testing.T) {
	t.Helper()
	process.Eventually(t, patience, "all jobs end well", func() bool {
		out := s.compose(t, "docker compose ps --all --format '{{.Service}} {{.State}} {{.ExitCode}}'")
		for _, job := range []string{"databases", "keys", "migrate", "setup", "temporal-schema"} {
			if !strings.Contains(out, job+" exited 0\n") {
				return false
			}
		}
		return true
	})
}

// firstStarts kills what works once, at the first start, in the middle of its work. The next start
// makes it whole.
func (s *site) firstStarts(t *testing.T) {
	t.Helper()
	for _, at := range []struct{ service, says string }{
		{"postgres", "creating subdirectories"},
		{"postgres", "performing post-bootstrap initialization"},
		{"temporal-schema", "UpdateSchemaTask"},
	} {
		s.compose(t, "docker compose down --volumes\ndocker compose up --detach >up.log 2>&1 &")
		process.Eventually(t, patience, at.service+" says "+at.says, func() bool {
			return strings.Contains(s.compose(t, "docker compose logs "+at.service+" 2>&1 || true"), at.says)
		})
		pid := s.pids(t)[at.service]
		if pid == 0 {
			t.Fatalf("%s has ended", at.service)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
		s.compose(t, "docker compose stop\n"+s.blocks["Start"])
		s.follow(t, "Try it")
		s.use(t, s.request(t, owner, nil))
	}
}

// pids are the first processes of the containers that run, by their services.
func (s *site) pids(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for line := range strings.Lines(s.compose(t, `docker ps --quiet | xargs -r docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Pid}}'`)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if pid > 1 {
			found[name] = pid
		}
	}
	return found
}

// requested is a token for another person.
func (s *site) requested(t *testing.T) (token string) {
	t.Helper()
	s.people++
	return s.request(t, fmt.Sprintf("person-%d@example.com", s.people), nil)
}

// request requests a mail and returns the token in it. It repeats a request that is not accepted.
func (s *site) request(t *testing.T, address string, header http.Header) (token string) {
	t.Helper()
	before := s.mails(t, address)
	process.Succeeds(t, patience, "a request is accepted", func() error {
		status, body := send(t, http.MethodPost, starter+"/account/forgot_password", header, `{"email":"`+address+`"}`)
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	var id string
	process.Eventually(t, patience, "a link for "+address, func() bool {
		for i, subject := range s.mails(t, address) {
			if _, old := before[i]; !old && strings.HasPrefix(subject, "Reset") {
				id = i
			}
		}
		return id != ""
	})
	_, body := send(t, http.MethodGet, mailpit+"/api/v1/message/"+id, nil, "")
	found := regexp.MustCompile(`/account/change-password/([\w-]+)`).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no link in the mail:\n%s", body)
	}
	return found[1]
}

// use changes the password.
func (s *site) use(t *testing.T, token string) {
	t.Helper()
	process.Succeeds(t, patience, "the password is changed", func() error {
		status, body := send(t, http.MethodPost, starter+"/account/reset_password/"+token, nil, `{"password":"`+chose+`"}`)
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
}

// mails are the subjects of the mails to an address, by ID. While the inbox is down there are none.
func (s *site) mails(t *testing.T, address string) map[string]string {
	t.Helper()
	found := map[string]string{}
	_, body := send(t, http.MethodGet, mailpit+"/api/v1/search?limit=500&query=to:"+address, nil, "")
	var page struct {
		Messages []struct{ ID, Subject string }
	}
	_ = json.Unmarshal([]byte(body), &page)
	for _, m := range page.Messages {
		found[m.ID] = m.Subject
	}
	return found
}

// send is one request; status 0 is none.
func send(t *testing.T, method, url string, header http.Header, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header.Clone()
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(got)
}
