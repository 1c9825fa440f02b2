package observe

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// becomes waits until readyz answers so; the whole body is compared.
func becomes(t *testing.T, p *process.Process, status int, body string) {
	t.Helper()
	var code int
	var got string
	defer func() {
		if t.Failed() {
			t.Logf("readyz answers %d %s", code, got)
		}
	}()
	process.Eventually(t, patience, fmt.Sprintf("%d %s", status, body), func() bool {
		code, got = site.Probe(t, p, "/readyz")
		return code == status && got == body+"\n"
	})
}

// lives checks that a process is not to be started again.
func lives(t *testing.T, p *process.Process) {
	t.Helper()
	if code, body := site.Probe(t, p, "/livez"); code != 200 || body != `{"status":"alive"}`+"\n" {
		t.Errorf("livez: %d %s", code, body)
	}
}

// Without a mail server a worker is degraded and takes work all the same. Without Temporal no
// process is ready, and each is again when it is back. The liveness probe kills none for it.
func TestReadiness(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	_, closed, err := net.SplitHostPort(site.FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	worker := s.Worker(t, site.Ops, "REKEY_SMTP_PORT="+closed)
	starter := s.Starter(t, site.Ops)
	becomes(t, worker, 200, `{"status":"degraded","checks":{"accounts":"up","mail":"down","peers":"up","temporal":"up"},"reasons":{"mail":"mail deferred at connect, no reply code"}}`)
	becomes(t, starter, 200, `{"status":"ready","checks":{"peers":"up","temporal":"up"}}`)

	s.StopTemporal(t)
	becomes(t, worker, 503, `{"status":"unavailable","checks":{"accounts":"up","mail":"down","peers":"up","temporal":"down"},"reasons":{"mail":"mail deferred at connect, no reply code"}}`)
	becomes(t, starter, 503, `{"status":"unavailable","checks":{"peers":"up","temporal":"down"}}`)
	lives(t, worker)
	lives(t, starter)

	s.StartTemporal(t)
	becomes(t, worker, 200, `{"status":"degraded","checks":{"accounts":"up","mail":"down","peers":"up","temporal":"up"},"reasons":{"mail":"mail deferred at connect, no reply code"}}`)
	becomes(t, starter, 200, `{"status":"ready","checks":{"peers":"up","temporal":"up"}}`)
}

// Without its database a worker is not ready, and alive; it is ready again when that is back.
func TestAccountsAreDown(t *testing.T) {
	t.Parallel()
	database := postgrestest.Start(t)
	s := site.New(t)
	s.Env = append(s.Env, "REKEY_STORE="+database.Database(t))
	s.Run(t, 0, "setup")
	s.Run(t, 0, "migrate")
	worker := s.Worker(t, site.Ops)
	const up = `{"status":"ready","checks":{"accounts":"up","mail":"up","peers":"up","temporal":"up"}}`
	becomes(t, worker, 200, up)

	if err := database.Kill(); err != nil {
		t.Fatal(err)
	}
	becomes(t, worker, 503, `{"status":"unavailable","checks":{"accounts":"down","mail":"up","peers":"up","temporal":"up"}}`)
	lives(t, worker)

	database.Restart(t)
	becomes(t, worker, 200, up)
}

// A worker that stops while a mail is on its way is not ready, and alive.
func TestWorkerDrains(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	worker := s.Worker(t, site.Ops)
	s.Starter(t)
	becomes(t, worker, 200, `{"status":"ready","checks":{"accounts":"up","mail":"up","peers":"up","temporal":"up"}}`)
	begun, goOn := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) }) // a mail can be tried twice
	s.Mail.Fail(func(inbox.Message) error { begin(); <-goOn; return nil })
	s.Forgot(t, s.People[0])
	process.Happens(t, patience, begun, "the mail")
	worker.Signal(t, syscall.SIGTERM)
	becomes(t, worker, 503, `{"status":"draining","checks":{"accounts":"up","mail":"up","peers":"up","temporal":"up"}}`)
	lives(t, worker)
	close(goOn)
	if code := worker.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// alone is the report of a starter without a worker.
const alone = `"reasons":{"peers":"no worker polls task queue rekey of namespace default: requests and new passwords wait until one does"}}`

// A starter that stops in the middle of a request is not ready, and alive.
func TestStarterDrains(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	starter := s.Starter(t, site.Ops)
	becomes(t, starter, 200, `{"status":"degraded","checks":{"peers":"down","temporal":"up"},`+alone)
	finish := s.BeginForgot(t, `{"email":"erin@example.com"}`)
	starter.Signal(t, syscall.SIGTERM)
	becomes(t, starter, 503, `{"status":"draining","checks":{"peers":"down","temporal":"up"},`+alone)
	lives(t, starter)
	if status := finish(); status != http.StatusOK {
		t.Errorf("the request in progress got %d", status)
	}
	if code := starter.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// By default there is no such listener.
func TestNobodyAsksByDefault(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	for _, p := range []*process.Process{s.Worker(t), s.Starter(t)} {
		if strings.Contains(p.Err.String(), "probes and metrics are answered") {
			t.Error("probes are answered")
		}
	}
}
