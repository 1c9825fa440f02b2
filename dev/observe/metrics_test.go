package observe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/client"
	"go.yaml.in/yaml/v3"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// exported are the labels of each metric of some processes, with the values they have.
type exported map[string]map[string][]string

var (
	sample = regexp.MustCompile(`(?m)^([a-z_:]+)(?:\{(.*)\})? (\S+)$`)
	pair   = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// scrape reads a process's metrics as Prometheus does.
func scrape(t *testing.T, into exported, p *process.Process) string {
	t.Helper()
	status, text := site.Probe(t, p, "/metrics")
	if status != 200 {
		t.Fatalf("metrics: %d", status)
	}
	for _, line := range sample.FindAllStringSubmatch(text, -1) {
		if into[line[1]] == nil {
			into[line[1]] = map[string][]string{}
		}
		for _, label := range pair.FindAllStringSubmatch(line[2], -1) {
			into[line[1]][label[1]] = append(into[line[1]][label[1]], label[2])
		}
	}
	return text
}

// value is the sum of the samples whose lines have all these parts.
func value(t *testing.T, text string, parts ...string) float64 {
	t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			continue
		}
		v, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum, found = sum+v, true
	}
	if !found {
		t.Errorf("no metric %v", parts)
	}
	return sum
}

// story is a site where something of every kind has happened once.
type story struct {
	*site.Site
	worker, starter *process.Process
	traces          *site.Collector
	token           string
	early           map[string]float64 // codes of the answers to repeated submissions
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{Site: site.New(t), traces: site.NewCollector(t), early: map[string]float64{}}
	s.Run(t, 0, "setup")
	s.Env = append(append(s.Env, site.Ops), s.traces.Env...)
	s.worker, s.starter = s.Worker(t), s.Starter(t)
	who := s.People[0]
	s.Mail.FailNext(inbox.Reply(451, "later"))
	s.Forgot(t, who)
	s.token = s.Token(t, who, 1)
	process.Eventually(t, patience, "link_sent", func() bool { // or the run hears of the submission first
		_, text := site.Probe(t, s.worker, "/metrics")
		return strings.Contains(text, `event="link_sent"`)
	})
	s.Forgot(t, account.Account{Address: "nobody@example.com"})
	s.stranger(t, who)
	for _, tc := range []struct {
		token, password, code string
	}{
		{"x" + s.token, newPassword, "link_invalid"},
		{s.token, "short", "password_too_short"},
		{s.token, newPassword, ""},
		{s.token, "another " + newPassword, "link_used"},
	} {
		if a := s.submit(t, tc.token, tc.password); a.Code != tc.code {
			t.Fatalf("%+v, want the code %q", a, tc.code)
		}
	}
	s.Mails(t, who, 2)
	return s
}

// submit submits a password, again while there is no decision yet.
func (s *story) submit(t *testing.T, token, password string) (a site.Answer) {
	t.Helper()
	process.Eventually(t, patience, "a decision", func() bool {
		a = s.Reset(t, token, password)
		decided := a.HTTP != http.StatusAccepted && a.HTTP != http.StatusServiceUnavailable
		if !decided {
			s.early[a.Code]++
		}
		return decided
	})
	return a
}

// stranger signals a run without rekey's keys, and starts one of a type that no worker knows:
// its workflow task fails.
func (s *story) stranger(t *testing.T, who account.Account) {
	t.Helper()
	accounts, err := keys.Open(s.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	temporal := s.Dial(t)
	if err := temporal.SignalWorkflow(t.Context(), workflow.ResetPassword.ID(accounts.Key(who.Address)), "", flow.RequestSignal, "not ours"); err != nil {
		t.Fatal(err)
	}
	unknown := client.StartWorkflowOptions{ID: "unknown", TaskQueue: flow.TaskQueue}
	if _, err := temporal.ExecuteWorkflow(t.Context(), unknown, "Unknown"); err != nil {
		t.Fatal(err)
	}
	process.Eventually(t, patience, "a workflow task that fails", func() bool {
		_, text := site.Probe(t, s.worker, "/metrics")
		return strings.Contains(text, `temporal_workflow_task_execution_failed_total{`)
	})
}

// all waits until the last transition is counted, lets Temporal be away once, and scrapes
// both processes.
func (s *story) all(t *testing.T) (exported, string) {
	t.Helper()
	process.Eventually(t, patience, "the last transition", func() bool {
		_, text := site.Probe(t, s.worker, "/metrics")
		return strings.Contains(text, `event="notice_sent"`)
	})
	s.StopTemporal(t)
	if a := s.Post(t, "/account/forgot_password", map[string]string{"email": "nobody@example.com"}); a.Code != "unavailable" {
		t.Errorf("without Temporal: %+v", a)
	}
	found := exported{}
	return found, scrape(t, found, s.worker) + scrape(t, found, s.starter)
}

// security 11: real processes count everything once and export every metric that the dashboard
// and the alerts name. No metric and no trace reveals the account of a reset.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	found, text := s.all(t)
	for _, tc := range []struct {
		want  float64
		parts []string
	}{
		{1, []string{"rekey_mail_attempts_total{", `kind="link"`, `result="deferred"`, `retry="false"`}},
		{1, []string{"rekey_mail_attempts_total{", `kind="link"`, `result="sent"`, `retry="true"`}},
		{1, []string{"rekey_mail_attempts_total{", `kind="notice"`, `result="sent"`, `retry="false"`}},
		{0, []string{"rekey_mail_attempts_total{", `result="refused"`}},
		{1, []string{"rekey_mails_withheld_total{", `reason="no_account"`}},
		{1, []string{"rekey_changes_total{", `result="password_changed"`}},
		{0, []string{"rekey_changes_total{", `result="token_unknown"`}},
		{2, []string{"rekey_transitions_total{", `event="requested"`}},
		{1, []string{"rekey_transitions_total{", `event="link_sent"`, `state="awaiting_token"`}},
		{1, []string{"rekey_transitions_total{", `event="password_changed"`}},
		{1, []string{"rekey_time_to_redeem_seconds_count{"}},
		{1, []string{"rekey_request_failures_total{", `code="link_invalid"`}},
		{1, []string{"rekey_request_failures_total{", `code="password_too_short"`}},
		{1, []string{"rekey_request_failures_total{", `code="link_used"`}},
		{1 + s.early["unavailable"], []string{"rekey_request_failures_total{", `code="unavailable"`}},
		{s.early["busy"], []string{"rekey_request_failures_total{", `code="busy"`}},
		{2, []string{"http_server_request_duration_seconds_count{", `http_route="/account/forgot_password"`, `http_response_status_code="200"`}},
		{1, []string{"http_server_request_duration_seconds_count{", `http_route="/account/reset_password/{token}"`, `http_response_status_code="200"`}},
		{0, []string{"rekey_hashes_running"}},
		{0, []string{"rekey_store_faults_total{"}},
		{1, []string{"rekey_store_operation_duration_seconds_count{", `operation="change_password"`, `result="okay"`}},
	} {
		if got := value(t, text, tc.parts...); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.parts, got, tc.want)
		}
	}
	again := s.early[""] + s.early["unavailable"] // each may have been hashed or not
	if got := value(t, text, "rekey_hash_wait_seconds_count"); got < 2 || got > 2+again {
		t.Errorf("%v hashes, want 2 and at most %v more", got, again)
	}
	s.checkNamed(t, found)
	s.checkLabels(t, found)
	process.Eventually(t, patience, "the trace", func() bool { return strings.Contains(string(s.traces.Sent()), "store change_password") })
	who := s.People[0]
	for _, mark := range []string{who.Address, "nobody@example.com", s.token[:40], s.token[40:80], newPassword, who.Credential, "argon2id"} {
		if strings.Contains(text, mark) {
			t.Errorf("a metric holds %s", mark)
		}
		if strings.Contains(string(s.traces.Sent()), mark) {
			t.Errorf("a trace holds %s", mark)
		}
	}
}

// checkLabels bounds the values of each label. A label that is not named here fails the test.
func (s *story) checkLabels(t *testing.T, found exported) {
	t.Helper()
	word := regexp.MustCompile(`^[a-z_]+$`)
	allowed := map[string]*regexp.Regexp{
		"code": word, "event": regexp.MustCompile(`^[a-z_.-]+$`), "flow": regexp.MustCompile(`^[a-z-]+$`), "state": word, "result": word, "reason": word, "kind": word, "check": word, "operation": regexp.MustCompile(`^[A-Za-z_]+$`),
		"retry": regexp.MustCompile(`^(true|false)$`), "le": regexp.MustCompile(`^[0-9.+Infe]+$`), "quantile": regexp.MustCompile(`^[0-9.]+$`),
		"http_request_method": regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE|_OTHER)$`),
		"http_route":          regexp.MustCompile(`^/[a-z0-9/_.\-]*(\{[a-z]+\})?$`), "http_response_status_code": regexp.MustCompile(`^[1-5][0-9][0-9]$`),
		"namespace": regexp.MustCompile(`^(default|_unknown_)$`), "client_name": word, "worker_type": regexp.MustCompile(`^[A-Za-z]+$`), "poller_type": word,
		"clock":         regexp.MustCompile(`^(store|temporal)$`),
		"task_queue":    regexp.MustCompile(`^(rekey|rekey-mail|none|[^:]+:[0-9a-f-]+)$`),
		"workflow_type": regexp.MustCompile(`^(ResetPassword|Invite|ForceReset|ForceAll|FinishReset|none|_OTHER)$`), "activity_type": regexp.MustCompile(`^([a-z-]+)$`),
		"failure_reason": regexp.MustCompile(`^[A-Za-z]+$`), "status_code": regexp.MustCompile(`^[A-Za-z_]+$`), "cause": regexp.MustCompile(`^[A-Za-z]+$`),
		"version": regexp.MustCompile(`^go1`), "service_name": regexp.MustCompile(`^rekey-(worker|starter)$`), "service_version": regexp.MustCompile(`^\S+$`),
		"telemetry_sdk_language": word, "telemetry_sdk_name": word, "telemetry_sdk_version": regexp.MustCompile(`^[0-9.]+$`),
		"nexus_service": word, "nexus_operation": word,
	}
	for metric, labels := range found {
		for label, values := range labels {
			for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
				if allowed[label] == nil || !allowed[label].MatchString(v) {
					t.Errorf("%s has the label %s=%q", metric, label, v)
				}
			}
		}
	}
}

// checkNamed checks that every metric and label that an expression names is exported.
func (s *story) checkNamed(t *testing.T, found exported) {
	t.Helper()
	expressions := slices.Concat(alerts(t), panels(t))
	for _, e := range expressions {
		for name, labels := range named(t, e) {
			if found[name] == nil {
				t.Errorf("%s: no process exports %s", e, name)
			}
			for _, label := range labels {
				if found[name][label] == nil && !slices.Contains([]string{"job", "instance"}, label) {
					t.Errorf("%s: %s has no label %s", e, name, label)
				}
			}
		}
	}
}

// named are the metrics of an expression and the labels that it selects and groups them by.
func named(t *testing.T, expression string) map[string][]string {
	t.Helper()
	parsed, err := metricsql.Parse(strings.ReplaceAll(expression, "$__rate_interval", "5m"))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	found := map[string][]string{}
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		switch e := e.(type) {
		case *metricsql.MetricExpr:
			selected(e, found)
		case *metricsql.AggrFuncExpr:
			grouped(e, found)
		}
	})
	if len(found) == 0 {
		t.Errorf("%s names no metric", expression)
	}
	return found
}

func selected(e *metricsql.MetricExpr, found map[string][]string) {
	for _, alternative := range e.LabelFilterss {
		name := alternative[0].Value
		found[name] = slices.Concat(found[name], []string{})
		for _, f := range alternative[1:] {
			found[name] = append(found[name], f.Label)
		}
	}
}

// grouped adds the labels that an aggregation keeps or drops to the metrics in it.
func grouped(e *metricsql.AggrFuncExpr, found map[string][]string) {
	metricsql.VisitAll(e, func(in metricsql.Expr) {
		if in, ok := in.(*metricsql.MetricExpr); ok {
			for _, alternative := range in.LabelFilterss {
				name := alternative[0].Value
				found[name] = append(found[name], e.Modifier.Args...)
			}
		}
	})
}

// Labels are found where an expression selects by them, and where it groups by them.
func TestNamed(t *testing.T) {
	t.Parallel()
	got := named(t, `sum by (a) (rate(one{b="1"}[5m])) / sum(two) without (c) > max by (d) (max by (e) (three))`)
	want := map[string][]string{"one": {"b", "a"}, "two": {"c"}, "three": {"e", "d"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An alert that lists types of workflows, or flows, misses the next one.
func TestAlertsKnowAllFlows(t *testing.T) {
	t.Parallel()
	for _, e := range alerts(t) {
		parsed, err := metricsql.Parse(e)
		if err != nil {
			t.Fatalf("%s: %v", e, err)
		}
		metricsql.VisitAll(parsed, func(in metricsql.Expr) {
			m, ok := in.(*metricsql.MetricExpr)
			if !ok {
				return
			}
			for _, f := range slices.Concat(m.LabelFilterss...) {
				if (f.Label == "workflow_type" || f.Label == "flow") && (!f.IsNegative || f.Value != "_OTHER") {
					t.Errorf("%s selects by %s", e, f.Label)
				}
			}
		})
	}
}

var grafana = filepath.Join("..", "..", "deploy", "grafana")

// alerts are the expressions of the alert rules, whose fields are those of Prometheus.
func alerts(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(filepath.Join(grafana, "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rules struct {
		Groups []struct {
			Name, Interval string
			Rules          []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	strict := yaml.NewDecoder(file)
	strict.KnownFields(true)
	if err := strict.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations", "monitoring.md"))
	if err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, r := range rules.Groups[0].Rules {
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || !strings.Contains(string(manual), "`"+r.Alert+"`") {
			t.Errorf("%s: want a severity, a summary and a line in docs/operations/monitoring.md", r.Alert)
		}
		if _, err := time.ParseDuration(r.For); err != nil && r.For != "" {
			t.Errorf("%s: %v", r.Alert, err)
		}
		expressions = append(expressions, r.Expr)
	}
	if len(expressions) < 7 {
		t.Errorf("%d alerts", len(expressions))
	}
	return expressions
}

// panels are the expressions of the dashboard.
func panels(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(grafana, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	if len(expressions) < 10 {
		t.Errorf("%d expressions", len(expressions))
	}
	return expressions
}

// A worker that rebuilds a run from its history counts nothing again.
func TestReplayCountsNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	s.Starter(t)
	first := s.Worker(t, site.Ops)
	s.Forgot(t, s.People[0])
	token := s.Token(t, s.People[0], 1)
	process.Eventually(t, patience, "link_sent", func() bool {
		_, text := site.Probe(t, first, "/metrics")
		return strings.Contains(text, `event="link_sent"`)
	})
	first.Signal(t, os.Interrupt)
	first.Exit(t)
	second := s.Worker(t, site.Ops)
	s.Insist(t, token, newPassword)
	s.Mails(t, s.People[0], 2)
	_, text := site.Probe(t, second, "/metrics")
	if value(t, text, "rekey_transitions_total{", `event="token_submitted"`) != 1 {
		t.Error("token_submitted is not counted")
	}
	for _, event := range []string{"requested", "link_sent"} {
		if strings.Contains(text, fmt.Sprintf(`event=%q`, event)) {
			t.Errorf("%s is counted again", event)
		}
	}
}
