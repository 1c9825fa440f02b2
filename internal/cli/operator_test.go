package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

const erin = "erin@example.com"

// operators are whole commands of an operator, without a Temporal server.
func operators(dir, what string) map[string][]string {
	return map[string][]string{
		"find":   {"find", "--keys", dir, what},
		"cancel": {"cancel", "--keys", dir, "--as", "a.smith", what},
		"resend": {"resend", "--keys", dir, "--as", "a.smith", what},
		"stats":  {"stats"},
	}
}

func TestOperatorsMustSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	for _, command := range []string{"cancel", "resend"} {
		refused(t, []string{command, "--keys", dir, erin}, "set --as ($REKEY_OPERATOR)", "`rekey "+command+" --help`")
		for _, name := range []string{"a smith", "a.smith@example.com", "-a", ".", "a\nb", strings.Repeat("a", 65)} {
			wrong(t, []string{command, "--keys", dir, "--as=" + name, erin}, "--as ($REKEY_OPERATOR): want your name")
		}
	}
	for _, name := range []string{"a", "A.Smith-2_x", strings.Repeat("a", 64)} {
		if err := checkOperator(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// security 41: the operators' commands have the refusals of the processes.
func TestOperatorsInClearAreRefused(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	for _, args := range operators(newKeys(t), erin) {
		refused(t, args, "not encrypted", "TEMPORAL_TLS=true")
	}
}

// security 41: development keysets are refused, unless Temporal is on loopback, as `go run ./dev`
// has it.
func TestOperatorsRefuseDevKeysets(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	t.Setenv("TEMPORAL_TLS", "true")
	dir := filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(dir, true); err != nil {
		t.Fatal(err)
	}
	for command, args := range operators(dir, erin) {
		if command != "stats" { // has no keys
			refused(t, args, "payload.json", "development")
		}
	}
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	refused(t, []string{"find", "--keys", dir, erin}, "connect to Temporal")
}

func TestOperatorsReadTheirKeyFiles(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	dir := newKeys(t)
	if err := os.Remove(filepath.Join(dir, "payload.json")); err != nil {
		t.Fatal(err)
	}
	all := operators(dir, erin)
	refused(t, all["cancel"], "keyset payload", "`rekey keys new`")
	refused(t, all["resend"], "keyset payload", "`rekey keys new`")
	refused(t, all["find"], "connect to Temporal at 127.0.0.1:1", "check TEMPORAL_ADDRESS")
	refused(t, all["stats"], "connect to Temporal at 127.0.0.1:1")
	if err := os.WriteFile(filepath.Join(dir, "payload.json"), []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, all["find"], "payload.json", "chmod 0600")
}

func TestFindChecksItsFlags(t *testing.T) {
	t.Parallel()
	for _, tc := range [][2]string{
		{"--last=0", "--last ($REKEY_LAST): want 1 to 50"},
		{"--last=51", "--last ($REKEY_LAST): want 1 to 50"},
		{"--ui-url=temporal.example.com", "--ui-url ($REKEY_UI_URL): want an absolute URL"},
	} {
		wrong(t, []string{"find", "--keys", "k", tc[0], erin}, tc[1])
	}
	for flag, value := range map[string]string{"--link-life": "1s", "--cool-down": "1ms"} {
		wrong(t, []string{"resend", "--keys", "k", "--as=a.smith", flag, value, erin}, flag)
	}
}

func TestArgument(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{erin + "\n": erin, " " + erin + "\r\nmore\n": erin, erin: erin} {
		if got, err := argument("-", strings.NewReader(in)); got != want || err != nil {
			t.Errorf("argument of %q = %q, %v", in, got, err)
		}
	}
	if got, err := argument(erin, nil); got != erin || err != nil {
		t.Errorf("argument = %q, %v", got, err)
	}
	for _, in := range []string{"", "\n"} {
		if got, err := argument("-", strings.NewReader(in)); status(err) != exitUnchecked || strings.Contains(err.Error(), "%!") {
			t.Errorf("argument of %q = %q, %v", in, got, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	if got := status(fmt.Errorf("more: %w", operator.ErrNoRun)); got != exitRefused {
		t.Errorf("a refusal: %d", got)
	}
	if got := status(fmt.Errorf("more: %w", operator.ErrSeveral)); got != exitRefused {
		t.Errorf("several runs: %d", got)
	}
	if got := status(fmt.Errorf("more: %w", operator.ErrTarget)); got != exitUnchecked {
		t.Errorf("a command line that is wrong: %d", got)
	}
	if got := status(errors.New("away")); got != exitFailed {
		t.Errorf("an error: %d", got)
	}
}

// The runbook names only commands and flags that exist. dev/operators runs them.
func TestRunbookIsUnderstood(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "operations", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var runbook []byte
	for _, path := range pages {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		runbook = append(runbook, page...)
	}
	parsed := 0
	for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(runbook), -1) {
		for _, command := range regexp.MustCompile(`(?m)(?:^|\| )rekey (.+)$`).FindAllStringSubmatch(block[1], -1) {
			parser, err := newParser(&cli{})
			if err != nil {
				t.Fatal(err)
			}
			parsed++
			line, _, _ := strings.Cut(command[1], " > ") // to a file
			args := strings.Fields(strings.NewReplacer("$new", "1", "$old", "1").Replace(line))
			_, err = parser.Parse(args)
			if err != nil && !strings.HasPrefix(err.Error(), "missing flags:") { // a variable may have them
				t.Errorf("rekey %s: %v", command[1], err)
			}
		}
	}
	if parsed < 10 {
		t.Errorf("found %d commands only", parsed)
	}
}

var midday = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// numbered is a run that has mailed its first link.
func numbered(n int, change ...func(*operator.Run)) operator.Run {
	r := operator.Run{
		Flow: "reset", WorkflowID: "reset/4f1c", RunID: fmt.Sprintf("0197b1a0-0000-7000-8000-%012d", n),
		State: "awaiting_token", Open: true, Started: midday.Add(time.Minute), Mails: 1, Expires: midday.Add(36 * time.Minute),
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func withheldAs(why flow.Reason) func(*operator.Run) {
	return func(r *operator.Run) { r.Withheld = string(why) }
}

// ofFlow is a run of another flow of the same account.
func ofFlow(d flow.Definition) func(*operator.Run) {
	return func(r *operator.Run) { r.Flow, r.WorkflowID = d.Kind, d.ID("4f1c") }
}

// ended is a run that is over after so many minutes.
func ended(state statemachine.State, minutes time.Duration) func(*operator.Run) {
	return func(r *operator.Run) {
		r.State, r.Open, r.Ended, r.Expires = string(state), false, midday.Add(minutes*time.Minute), time.Time{}
	}
}

// Answers of the commands, on standard output and as an error, for people and for programs.
func TestAnswersToOperators(t *testing.T) {
	t.Parallel()
	waits := numbered(1)
	late := numbered(2, func(r *operator.Run) { r.State, r.Expires = "token_submitted", time.Time{} })
	expired := numbered(4, ended(statemachine.StateExpired, 7))
	mail := func(m operator.Resent) resending { return resending{m.Result, why(m), m.Run} }
	type result interface {
		write(out io.Writer, asJSON bool) error
	}
	var said bytes.Buffer
	for _, r := range []result{
		cancellation{Result: operator.Canceled, Named: true, Run: waits},
		cancellation{Result: operator.Canceled, Run: waits},
		cancellation{Result: operator.Canceled, Named: true, Run: waits, Next: expired.RunID},
		cancellation{Result: operator.Asked, Named: true, Run: waits},
		cancellation{Result: operator.TooLate, Named: true, Run: late},
		cancellation{Result: operator.AlreadyOver, Run: expired},
		mail(operator.Resent{Result: operator.Mailed, Run: waits}),
		mail(operator.Resent{Result: operator.Asked, Run: waits}),
		mail(operator.Resent{Result: operator.Withheld, Run: numbered(3, withheldAs(flow.MailLimit))}),
		mail(operator.Resent{Result: operator.Withheld, Run: numbered(3, withheldAs(flow.MailUnknown))}),
		mail(operator.Resent{Result: operator.NothingMailed, Why: flow.InCoolDown, Again: midday.Add(64 * time.Minute), Run: waits}),
		mail(operator.Resent{Result: operator.NothingMailed, Why: operator.NotOpen, Run: numbered(5, ofFlow(workflow.Invite), ended(statemachine.StateExpired, 7))}),
		statistics{
			Open:    []operator.Count{counted("younger than 1 h", 12, 3, 0)},
			Waiting: []operator.Count{counted("for a mail server", 4, 0, 1)},
			Ended:   []operator.Count{counted("completed", 3, 0, 0)},
		},
		statistics{Open: []operator.Count{{Name: "younger than 1 h", Runs: 3, Flows: map[string]int64{"invitation": 3}}}},
	} {
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			var err error
			if err = r.write(&out, asJSON); err != nil {
				err = fmt.Errorf("exit code %d: %w", status(err), err)
			}
			fmt.Fprintf(&said, "%s%v\n\n", out.String(), err)
		}
	}
	golden.Check(t, "operators.golden", said.String())
}

// counted is a line of the statistics.
func counted(name string, resets, invitations, forced int64) operator.Count {
	return operator.Count{
		Name: name, Runs: resets + invitations + forced,
		Flows: map[string]int64{"reset": resets, "invitation": invitations, "forced-reset": forced},
	}
}

// A run that is over says how another one of its flow begins.
func TestRunThatIsOverMailsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		flow flow.Definition
		want string
	}{
		{workflow.ResetPassword, "`rekey resend` with the mail address"},
		{workflow.Invite, "POST /v1/invitations"},
		{workflow.ForceReset, "forgot-password page"},
	} {
		run := numbered(1, ofFlow(tc.flow))
		if got := why(operator.Resent{Why: operator.NotOpen, Run: run}); !strings.Contains(got, "run "+run.RunID+" is over: ") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", tc.flow.Name, got)
		}
	}
}

func TestFlowFlag(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"list", "stats"} {
		wrong(t, []string{command, "--flow=verification"}, "--flow", "any", "reset", "invitation", "forced-reset")
	}
	all := &operator.Client{}
	if (flowFlag{"any"}).of(all) != all || (flowFlag{"invitation"}).of(all) == all {
		t.Error("the flag selects another client")
	}
}

// Each reason for which nothing is mailed has a text of its own.
func TestReasonsForNoMail(t *testing.T) {
	t.Parallel()
	for reason, want := range map[flow.Unanswered]string{
		flow.MailOnItsWay: "in progress", flow.LastLinkOut: "used its 3 mails: wait until 2026-01-02T12:36:00Z",
		flow.InCoolDown: "cool-down is not over: retry at", operator.RunFull: "limit of signals",
	} {
		if got := why(operator.Resent{Why: reason, Run: numbered(1)}); !strings.Contains(got, want) {
			t.Errorf("%s: %q", reason, got)
		}
	}
}

func TestRunsInATable(t *testing.T) {
	t.Parallel()
	requested := func(a operator.Attempt) func(*operator.Run) {
		return func(r *operator.Run) { r.State, r.Expires, r.Trying = "requested", time.Time{}, &a }
	}
	runs := []foundRun{
		{Run: numbered(1, requested(operator.Attempt{Number: 1}))},
		{Run: numbered(2, requested(operator.Attempt{Number: 4, Next: midday.Add(time.Hour)}))},
		{Run: numbered(3, func(r *operator.Run) { r.Sealed = true })},
		{Run: numbered(4, withheldAs(flow.MailFailed))},
		{Run: numbered(5, ended(statemachine.StateRefused, 7), func(r *operator.Run) { r.Refused = "refused: the account is gone" })},
		{Run: numbered(6, ended(statemachine.StateExpired, 8))},
		{Run: numbered(7, withheldAs(flow.MailLimit))},
		{Run: numbered(8, ofFlow(workflow.Invite), withheldAs(flow.HasPassword))},
		{Run: numbered(9, ofFlow(workflow.ForceReset), func(r *operator.Run) { r.State = string(statemachine.StatePasswordBlocked) })},
	}
	runs[6].URL = page("https://temporal.example.com/", "accounts", runs[6].Run)
	var table, asJSON bytes.Buffer
	if err := writeRuns(&table, runs); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(&asJSON, runs); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "find.golden", table.String())
	golden.Check(t, "find.json", asJSON.String())
}

// Notes of a run with a pending notice for the owner, or for one of their addresses.
func TestNotesOfNotices(t *testing.T) {
	t.Parallel()
	r := foundRun{Run: operator.Run{Untold: true, Owed: true, Paused: true, Failure: "x", Asked: 2}}
	const want = "paused in Temporal: unpause it there to continue; the run failed: x; " +
		"requests without another mail: 2; password changed, but no address was notified; a notice is pending for an address"
	if got := r.note(); got != want {
		t.Errorf("note %q", got)
	}
}

// Reports about mails are in the notes.
func TestNotesOfBounces(t *testing.T) {
	t.Parallel()
	r := foundRun{Run: operator.Run{Bounces: 1, Complaints: 2}}
	if got := r.note(); got != "mails that bounced: 1; complaints about mails: 2; the account gets no further one for a day" {
		t.Errorf("note: %s", got)
	}
}
