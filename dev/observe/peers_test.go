package observe

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

// isDown is the metric of the check while it is down.
var isDown = regexp.MustCompile(`(?m)^rekey_check_up\{check="peers"[^}]*\} 0$`)

// reason waits until readyz gives a reason that begins as wanted, "" for none, and stays 200.
func reason(t *testing.T, p *process.Process, want string) {
	t.Helper()
	var body string
	var status int
	defer func() {
		if t.Failed() {
			t.Logf("readyz answers %d %s, want %q", status, body, want)
		}
	}()
	process.Eventually(t, patience, "readyz with "+want, func() bool {
		status, body = site.Probe(t, p, "/readyz")
		if want == "" {
			return status == 200 && strings.Contains(body, `"peers":"up"`)
		}
		return status == 200 && strings.Contains(body, `"peers":"down"`) && strings.Contains(body, want)
	})
}

// Processes that do not belong together report it in their log, in /readyz, in the metric of
// their checks and in rekey find. They stop when they do belong together.
func TestProcessesThatDoNotBelongTogether(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	starter := s.Starter(t, site.Ops)
	reason(t, starter, "no worker polls task queue rekey of namespace default")
	worker := s.Worker(t, site.Ops, "REKEY_BASE_URL=http://127.0.0.1:1")
	const url = "has another base URL than"
	reason(t, starter, url)
	reason(t, worker, url)
	for _, p := range []*process.Process{starter, worker} {
		p.Await(t, p.Err, "processes do not belong together")
		if _, metrics := site.Probe(t, p, "/metrics"); !isDown.MatchString(metrics) {
			t.Error("no metric says so")
		}
	}
	found := s.Run(t, 3, "find", s.People[0].Address) // there was no request for a reset
	if said := found.Err.String(); !strings.Contains(said, "rekey: warning: ") || !strings.Contains(said, url) {
		t.Errorf("rekey find says %q", said)
	}
	worker.Signal(t, os.Kill)
	worker.Exit(t)
	s.Worker(t)
	reason(t, starter, "")
	starter.Await(t, starter.Err, "all processes of the task queue belong together again")
}

// Two products live in one namespace when each has keys and a task queue of its own.
func TestTwoProductsInOneNamespace(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	other := site.At(t, s.TemporalAddr, s.Mail)
	other.Env = append(other.Env, "REKEY_TASK_QUEUE=lighthouse", "REKEY_PRODUCT=Lighthouse")
	other.People = s.People
	other.Put(t, other.People...)
	for _, product := range []*site.Site{s, other} {
		worker, starter := product.Worker(t, site.Ops), product.Starter(t, site.Ops)
		reason(t, worker, "")
		reason(t, starter, "")
	}
	for n, product := range []*site.Site{s, other} {
		who := product.People[n]
		product.Forgot(t, who)
		product.Insist(t, product.Token(t, who, 1), "plum velvet thirty gulls")
		s.Mails(t, who, 2)
		if said := product.Run(t, 0, "find", who.Address).Err.String(); strings.Contains(said, "warning") {
			t.Errorf("rekey find says %q", said)
		}
	}
}

// A namespace that is not there ends a starter and a worker.
func TestNamespaceThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	for _, command := range []string{"starter", "worker"} {
		p := s.Start(t, []string{"TEMPORAL_NAMESPACE=nowhere"}, command)
		if code := p.Exit(t); code == 0 || !strings.Contains(p.Err.String(), "check TEMPORAL_NAMESPACE") {
			t.Errorf("rekey %s: exit code %d\n%s", command, code, p.Err)
		}
	}
}
