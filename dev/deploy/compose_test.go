package deploy

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const root = "../.."

// compose loads docker-compose.yml as Compose does, with the settings of the demo. Each pair is
// a passage of the file and a test's replacement.
func compose(t *testing.T, pairs ...string) *types.Project {
	t.Helper()
	p, err := loadCompose(t, pairs...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func loadCompose(t *testing.T, pairs ...string) (*types.Project, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "docker-compose.yml")
	text := replaced(t, filepath.Join(root, "docker-compose.yml"), pairs)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := cli.NewProjectOptions(
		[]string{file}, cli.WithWorkingDirectory(root), cli.WithProfiles([]string{"demo", "operator"}),
		cli.WithEnvFiles(filepath.Join(root, "deploy/compose/demo.env")), cli.WithDotEnv,
	)
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(context.Background())
}

// replaced is a file with passages of it replaced, each of which it must have.
func replaced(t *testing.T, path string, pairs []string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for pair := range slices.Chunk(pairs, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("%s has no %q", path, pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}

// Rules for every service of the file. A rule returns the fault, "" for nothing.
func TestComposeKeepsTheRules(t *testing.T) {
	t.Parallel()
	for _, problem := range problems(t, compose(t)) {
		t.Error(problem)
	}
}

// Each rule finds a file that breaks it.
func TestComposeRulesBite(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct{ old, new, want string }{
		{"postgres:17.10-bookworm", "postgres:latest", "postgres: image postgres:latest is not pinned"},
		{"postgres:17.10-bookworm", "postgres:17", "postgres: image postgres:17 is not pinned"},
		{"postgres:17.10-bookworm", "postgres", "postgres: image postgres is not pinned"},
		{"127.0.0.1:9233:8080", "9233:8080", "ui: publishes 9233 beyond loopback"},
		{"127.0.0.1:9234:8081", "0.0.0.0:9234:8081", "codec: publishes 9234 beyond loopback"},
		{`"${STARTER_ADDRESS:-127.0.0.1}:${STARTER_PORT:-8080}:8080"`, `"8080:8080"`, "starter: publishes 8080 beyond loopback"},
		{"  read_only: true\n  cap", "  cap", "worker: its root can be written"},
		{"  cap_drop: [ALL]\n", "", "worker: has capabilities"},
		{"    user: \"999:999\"", "    cap_add: [CHOWN]", "postgres: has capabilities"},
		{"  security_opt: [no-new-privileges:true]\n", "", "worker: may gain privileges"},
		{"    user: \"999:999\"", "    privileged: true", "postgres: is privileged"},
		{"  pids_limit: 256\n", "", "worker: has no limit of processes"},
		{"    mem_limit: 512m\n", "", "worker: has no limit of memory"},
		{"    healthcheck: *healthy\n", "", "worker: has no health check"},
		{"http://127.0.0.1:9090/readyz", "http://127.0.0.1:9091/readyz", "worker: is asked at another address than REKEY_OPS_LISTEN"},
		{"      migrate: {condition: service_completed_successfully}\n", "", "worker: does not wait for migrate"},
		{"  setup: {condition: service_completed_successfully}\n", "", "starter: does not wait for setup"},
		{"  setup: {condition: service_completed_successfully}", "  setup: {condition: service_started}", "starter: does not wait for setup to be service_completed_successfully"},
		{"    profiles: [demo]\n", "", "mailpit: is of the profile"},
		{"    profiles: [operator]\n", "", "operator: is of the profile"},
		{"    networks: [store, temporal, mail]", "    networks: [store, temporal, mail, front-ui]", "worker: networks"},
		{"    networks: [codec, front-codec]", "    networks: [codec, front-ui]", "network front-ui: is shared by codec and ui"},
		{"  codec: {internal: true}", "  codec: {}", "network codec: is not internal"},
		{"  store: {internal: true}", "  store: {}", "network store: is not internal"},
		{"    volumes: [*payload]", "    volumes: [*payload, *submission]", "codec: is given /keys/payload.json /keys/submission.json"},
		{"    volumes: [*payload]", "    volumes: ['keys:/keys:ro']", "codec: is given /keys, want"},
		{"read_only: true, volume: {subpath: payload.json}", "volume: {subpath: payload.json}", "codec: may write to /keys/payload.json"},
		{"    deploy: {replicas: 2}\n", "", "worker: is there 1 times"},
	} {
		found := problems(t, compose(t, broken.old, broken.new))
		if !slices.ContainsFunc(found, func(p string) bool { return strings.HasPrefix(p, broken.want) }) {
			t.Errorf("%q for %q: found %q, want %q", broken.new, broken.old, found, broken.want)
		}
	}
}

// A setting that only the operator knows has no default: the file is refused without it.
func TestComposeAsksForWhatItCannotKnow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"REKEY_BASE_URL", "REKEY_LOGIN_URL", "REKEY_PRODUCT", "REKEY_SUPPORT", "REKEY_FROM", "REKEY_SMTP_HOST"} {
		_, err := loadCompose(t, "${"+name+":?", "${NOT_SET_"+name+":?")
		if err == nil || !strings.Contains(err.Error(), "NOT_SET_"+name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
