package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

const erin = "erin@example.com"

// operators are the commands of an operator that lack nothing but a Temporal server.
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

// security 41: the operators' commands refuse what the processes refuse.
func TestOperatorsInClearAreRefused(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	for _, args := range operators(newKeys(t), erin) {
		refused(t, args, "not encrypted", "TEMPORAL_TLS=true")
	}
}

// security 41: keysets that were made for development are refused, unless Temporal is on
// loopback, as `go run ./dev` has it.
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
	refused(t, all["find"], "connect to Temporal at 127.0.0.1:1", "TEMPORAL_ADDRESS says where it is")
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

func TestTarget(t *testing.T) {
	t.Parallel()
	d := &desk{keys: keys.Open(newKeys(t))}
	id, err := d.workflowID(erin)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]target{erin: {workflowID: id}, "Erin@EXAMPLE.com": {workflowID: id}, id: {workflowID: id}} {
		if got, err := d.target(t.Context(), text); got != want || err != nil {
			t.Errorf("target of %s = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"erin", "", "reset", "Erin <erin@example.com>", "other/4f1c"} {
		_, err := d.target(t.Context(), text)
		if status(err) != exitUnchecked || text != "" && strings.Contains(err.Error(), text+"@") {
			t.Errorf("target of %q: %v", text, err)
		}
	}
	if _, err := d.target(t.Context(), "a b@example.com"); !errors.Is(err, account.ErrAddress) || status(err) != exitUnchecked {
		t.Errorf("an address that is none: %v", err)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	if got := status(fmt.Errorf("more: %w", errNoRun)); got != exitRefused {
		t.Errorf("a refusal: %d", got)
	}
	if got := status(fmt.Errorf("more: %w", errTarget)); got != exitUnchecked {
		t.Errorf("a command line that is wrong: %d", got)
	}
	if got := status(errors.New("away")); got != exitFailed {
		t.Errorf("an error: %d", got)
	}
}

// The runbook names no command and no flag that is not there. dev/operators runs them.
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
			parser, err := kong.New(&cli{}, kong.Name("rekey"))
			if err != nil {
				t.Fatal(err)
			}
			parsed++
			args := strings.Fields(strings.NewReplacer("$new", "1", "$old", "1").Replace(command[1]))
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

// What the commands say, on standard output and as an error, for people and for programs.
func TestWhatOperatorsAreTold(t *testing.T) {
	t.Parallel()
	waits, late := numbered(1, mailed(t, "")), numbered(2, mailed(t, "").end(2, workflow.Submission{}))
	withheld := numbered(3, mailed(t, workflow.MailLimit))
	expired := numbered(4, mailed(t, "").upsert(statemachine.StateExpired).complete(workflow.Outcome{}))
	type result interface {
		write(p *process, asJSON bool) error
	}
	var said bytes.Buffer
	for _, r := range []result{
		canceling{Result: wasCanceled, Named: true, Run: waits},
		canceling{Result: wasCanceled, Run: waits},
		canceling{Result: wasCanceled, Named: true, Run: waits, Next: expired.Run},
		canceling{Result: isAsked, Named: true, Run: waits},
		canceling{Result: isTooLate, Named: true, Run: late},
		over(expired),
		resending{Result: wasMailed, Run: waits},
		resending{Result: isTried, Run: waits},
		resending{wasWithheld, "withheld: mail_limit", withheld},
		resending{wasWithheld, "withheld: mail_unknown", numbered(3, mailed(t, workflow.MailUnknown))},
		resending{isNothing, waits.deaf(midday), waits},
		statistics{Open: []count{{Name: "younger than 1 h", Runs: 12}}, Waiting: []count{{Name: "for a mail server", Runs: 4}}, Ended: []count{{Name: "completed", Runs: 3}}},
	} {
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			var err error
			if err = r.write(&process{stdout: &out}, asJSON); err != nil {
				err = fmt.Errorf("exit code %d: %w", status(err), err)
			}
			fmt.Fprintf(&said, "%s%v\n\n", out.String(), err)
		}
	}
	golden.Check(t, "operators.golden", said.String())
}

func TestDeaf(t *testing.T) {
	t.Parallel()
	third := func() *teller {
		w := mailed(t, "")
		for n := range int64(2) {
			w.begin(workflow.SendEmail).end(6+3*n, workflow.Delivery{}).timer()
		}
		return w
	}
	for name, tc := range map[string]struct {
		run  resetRun
		now  time.Time
		want string
	}{
		"no run":                {resetRun{}, midday, ""},
		"a run that has ended":  {numbered(1, mailed(t, "").complete(workflow.Outcome{})), midday, ""},
		"no worker has it yet":  {numbered(1, tell(t)), midday, "on its way"},
		"another is on its way": {numbered(1, mailed(t, "").begin(workflow.SendEmail)), midday.Add(5 * time.Hour), "on its way"},
		"a mail is on its way":  {numbered(1, begun(t)), midday, "on its way"},
		"within the cool-down":  {numbered(1, mailed(t, "")), midday.Add(time.Hour), "cool-down: ask again at 2026-01-02T13:04:01Z"},
		"after the cool-down":   {numbered(1, mailed(t, "")), midday.Add(2 * time.Hour), ""},
		"after three mails":     {numbered(1, third()), midday.Add(5 * time.Hour), "had its 3 mails"},
		"a password is settled": {numbered(1, mailed(t, "").end(2, workflow.Submission{})), midday, ""},
	} {
		got := tc.run.deaf(tc.now)
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// full is a Temporal server whose run answers a signal with an error.
type full struct {
	client.Client
	signal   error
	canceled []string
}

func (f *full) SignalWorkflow(context.Context, string, string, string, any) error { return f.signal }

func (f *full) CancelWorkflow(_ context.Context, id, run string) error {
	f.canceled = append(f.canceled, id+" "+run)
	return nil
}

// A stranger who fills a run with signals keeps an operator from no cancel, and one that
// ends meanwhile is no fault.
func TestCancelOfARunThatTakesNoSignal(t *testing.T) {
	t.Parallel()
	r := numbered(1, mailed(t, ""))
	away := serviceerror.NewUnavailable("away")
	for name, tc := range map[string]struct {
		signal   error
		named    bool
		canceled int
		want     error
	}{
		"takes it":  {nil, true, 0, nil},
		"is full":   {serviceerror.NewInvalidArgument("the limit for signal events is exceeded"), false, 1, nil},
		"has ended": {serviceerror.NewNotFound("it has ended"), false, 0, nil},
		"away":      {away, false, 0, away},
	} {
		f := &full{signal: tc.signal}
		named, err := (&desk{Client: f}).sendCancel(t.Context(), r, "a.smith")
		if named != tc.named || len(f.canceled) != tc.canceled || err != tc.want { //nolint:errorlint // the same one
			t.Errorf("%s: named %t, canceled %v, %v", name, named, f.canceled, err)
		}
	}
}
