package deploy

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	starter = "http://127.0.0.1:9080"
	mailpit = "http://127.0.0.1:9025"
)

// checkout is one in which docs/deploy/compose.md is followed.
type checkout struct {
	*dockerEngine

	dir    string
	blocks map[string]string // the commands of the page, by heading
	ran    map[string]bool
	people int // accounts that have asked for a link
}

// newCheckout checks the source out, as an account with a strict umask does.
func newCheckout(t *testing.T, engine *dockerEngine) *checkout {
	t.Helper()
	s := &checkout{dockerEngine: engine, dir: t.TempDir(), blocks: map[string]string{}, ran: map[string]bool{}}
	commands, _ := page(t, "docs/deploy/compose.md")
	for section, blocks := range commands {
		s.blocks[section] = strings.Join(blocks, "")
	}
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

// follow runs the commands under a heading of the page. Each pair is a passage and its replacement.
func (s *checkout) follow(t *testing.T, heading string, pairs ...string) string {
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
	return s.run(t, lines)
}

func (s *checkout) run(t *testing.T, lines string) string {
	t.Helper()
	return s.shell(t, s.dir, lines)
}

// docs/deploy/compose.md is true: each of its commands does what the page says, in that order, with a
// real Docker Engine. Accepted requests outlive the end of every process, of the engine and of all at
// once.
func TestComposePage(t *testing.T) { //nolint:paralleltest // the repetition in namespaces runs alone
	suite.Long(t)
	images := content(t)
	dir := aside(t)
	if dir == "" {
		return
	}
	s := newCheckout(t, newEngine(t, dir, images))
	s.follow(t, "Start")
	s.checkImage(t)
	s.follow(t, "Try it")
	choose(t, starter, s.request(t, owner, nil))
	s.operators(t)
	s.run(t, `docker compose exec -T postgres psql -U postgres rekey -c "INSERT INTO rekey.accounts (id, address, credential)
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
		choose(t, starter, token)
	}
	s.firstStarts(t)
	for heading := range s.blocks {
		if !s.ran[heading] {
			t.Errorf("nothing has run the commands under %q", heading)
		}
	}
}

// checkImage judges the image that was built.
func (s *checkout) checkImage(t *testing.T) {
	t.Helper()
	size, err := strconv.Atoi(strings.TrimSpace(s.run(t, "docker image inspect --format '{{.Size}}' rekey:devel")))
	if err != nil || size > 40_000_000 {
		t.Errorf("the image has %d bytes, %v, want 40 MB at most", size, err)
	}
	var labels map[string]string
	if err := json.Unmarshal([]byte(s.run(t, "docker image inspect --format '{{json .Config.Labels}}' rekey:devel")), &labels); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"title", "description", "source", "documentation", "licenses", "version"} {
		if labels["org.opencontainers.image."+name] == "" {
			t.Errorf("the image has no label %s: %v", name, labels)
		}
	}
}

// operators runs the commands of operators.
func (s *checkout) operators(t *testing.T) {
	t.Helper()
	id := regexp.MustCompile(`reset/[0-9a-f]{32}`)
	found := id.FindString(s.run(t, "docker compose run --rm operator find "+owner))
	out := s.follow(t, "Operators", id.FindString(s.blocks["Operators"]), found)
	for _, want := range []string{found, "completed", "password_changed", "WorkflowExecutionCompleted"} {
		if !strings.Contains(out, want) {
			t.Errorf("the commands of operators do not print %q:\n%s", want, out)
		}
	}
	history := s.run(t, "docker compose run --rm temporal-cli workflow show --output json --workflow-id "+found)
	for _, data := range regexp.MustCompile(`"data": "([^"]+)"`).FindAllStringSubmatch(history, -1) {
		if text, err := base64.StdEncoding.DecodeString(data[1]); err == nil && strings.Contains(string(text), owner) {
			return
		}
	}
	t.Errorf("a run is shown encrypted:\n%.3000s", history)
}

// proxied checks whose address counts when a proxy on this machine passes requests on.
func (s *checkout) proxied(t *testing.T) {
	t.Helper()
	const client = "198.51.100.7"
	s.run(t, "echo REKEY_TRUSTED_PROXIES=10.213.83.1/32 >>.env\ndocker compose up --wait starter")
	choose(t, starter, s.request(t, "person-100@example.com", http.Header{"X-Forwarded-For": {client}}))
	if out := s.run(t, "docker compose run --rm operator audit person-100@example.com"); !strings.Contains(out, client) {
		t.Errorf("the audit log lacks the client behind the proxy:\n%s", out)
	}
}

// scaled runs a second starter.
func (s *checkout) scaled(t *testing.T) {
	t.Helper()
	lines := strings.SplitAfterN(s.blocks["Make it yours"], "\n", 2)
	s.run(t, lines[0])
	for _, port := range []string{"9080", "9081"} {
		if status, body := send(t, http.MethodGet, "http://127.0.0.1:"+port+"/account/forgot-password", nil, ""); status != http.StatusOK {
			t.Errorf("the starter on port %s: %d %s", port, status, body)
		}
	}
	s.run(t, lines[1])
	s.ran["Make it yours"] = true
}

// killEach kills the process of each container in turn, in the middle of a reset.
func (s *checkout) killEach(t *testing.T) {
	t.Helper()
	for name, pid := range s.pids(t) {
		token := s.requested(t)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		choose(t, starter, token)
		s.run(t, "docker compose up --wait # after the end of "+name)
	}
}

// killAll kills everything while resets are open: the processes of all containers at once, and then
// those of the engine too.
func (s *checkout) killAll(t *testing.T) {
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
			choose(t, starter, token)
		}
	}
}

// backedUp puts a backup back in place of everything.
func (s *checkout) backedUp(t *testing.T) {
	t.Helper()
	token := s.requested(t)
	s.follow(t, "Back up")
	s.run(t, "docker compose down --volumes\nrm -rf .env deploy/compose/secrets\ncp -R backup/.env .\ncp -R backup/secrets deploy/compose/")
	s.follow(t, "Restore")
	choose(t, starter, token)
}

// jobsEndedWell checks the jobs, also after a restart, when they begin before their servers.
func (s *checkout) jobsEndedWell(t *testing.T) {
	t.Helper()
	process.Eventually(t, patience, "all jobs end well", func() bool {
		out := s.run(t, "docker compose ps --all --format '{{.Service}} {{.State}} {{.ExitCode}}'")
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
func (s *checkout) firstStarts(t *testing.T) {
	t.Helper()
	for _, at := range []struct{ service, says string }{
		{"postgres", "creating subdirectories"},
		{"postgres", "performing post-bootstrap initialization"},
		{"temporal-schema", "UpdateSchemaTask"},
	} {
		s.run(t, "docker compose down --volumes\ndocker compose up --detach >up.log 2>&1 &")
		process.Eventually(t, patience, at.service+" says "+at.says, func() bool {
			return strings.Contains(s.run(t, "docker compose logs "+at.service+" 2>&1 || true"), at.says)
		})
		pid := s.pids(t)[at.service]
		if pid == 0 {
			t.Fatalf("%s has ended", at.service)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
		s.run(t, "docker compose stop\n"+s.blocks["Start"])
		s.follow(t, "Try it")
		choose(t, starter, s.request(t, owner, nil))
	}
}

// pids are the first processes of the containers that run, by their services.
func (s *checkout) pids(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for line := range strings.Lines(s.run(t, `docker ps --quiet | xargs -r docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Pid}}'`)) {
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
func (s *checkout) requested(t *testing.T) (token string) {
	t.Helper()
	s.people++
	return s.request(t, fmt.Sprintf("person-%d@example.com", s.people), nil)
}

// request requests a mail and returns the token in it. It repeats a request that is not accepted.
func (s *checkout) request(t *testing.T, address string, header http.Header) (token string) {
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
	found := link.FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no link in the mail:\n%s", body)
	}
	return found[1]
}

// mails are the subjects of the mails to an address, by ID. While the inbox is down there are none.
func (s *checkout) mails(t *testing.T, address string) map[string]string {
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
