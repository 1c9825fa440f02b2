package operators

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

// security 42: operators see the state of a reset, and never its link.
func TestFind(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	erin, frank, grace := r.People[0], r.People[1], r.People[2]
	r.Worker(t)
	r.Starter(t)
	answered(t, r.operate(t, 3, "find", erin.Address), "keeps no run of this account")
	answered(t, r.operate(t, 2, "find", "erin"), "not a mail address")
	answered(t, r.operate(t, 2, "find", "--last=0", erin.Address), "--last ($REKEY_LAST)")

	r.Mail.Fail(func(m inbox.Message) error {
		if m.To[0].Address == frank.Address {
			return inbox.Reply(451, "try again")
		}
		return nil
	})
	before := time.Now().Truncate(time.Second) // as find prints it
	for _, who := range r.People[:2] {
		r.Forgot(t, who)
	}
	nobody := site.Person("nobody") // is not in the store
	r.Forgot(t, nobody)
	link := r.Token(t, erin, 1)

	waits := r.findUntil(t, erin.Address, "the run of erin waits", inState("awaiting_token"))
	if waits.Mails != 1 || !waits.Open || waits.Withheld != "" || waits.Sealed ||
		waits.Expires.Sub(waits.Started) < 30*time.Minute || waits.Started.Before(before) {
		t.Errorf("run that waits: %+v", waits)
	}
	tried := r.findUntil(t, frank.Address, "a second attempt to mail", func(f found) bool {
		return f.Mailing != nil && f.Mailing.Attempt > 1 && !f.Mailing.Next.IsZero()
	})
	if tried.State != "requested" || !tried.Expires.IsZero() {
		t.Errorf("run whose mail is deferred: %+v", tried)
	}
	withheld := r.findUntil(t, nobody.Address, "the run of nobody", inState("awaiting_token"))
	if withheld.Withheld != "no_account" {
		t.Errorf("run of nobody: %+v", withheld)
	}

	r.Insist(t, link, newPassword)
	r.Mails(t, erin, 2)
	done := r.findUntil(t, erin.Address, "the run of erin ends", inState("completed"))
	r.Forgot(t, erin)
	r.Token(t, erin, 3)
	var both []found
	process.Eventually(t, patience, "the list has both runs", func() bool { both = r.find(t, erin.Address); return len(both) == 2 })
	if !both[0].Open || both[1].Run != done.Run || both[1].Open || both[1].Ended.IsZero() {
		t.Errorf("two runs: %+v", both)
	}
	if one := r.operate(t, 0, "find", "--last=1", erin.Address).Out.String(); strings.Contains(one, done.Run) {
		t.Errorf("--last=1 prints:\n%s", one)
	}
	page := r.operate(t, 0, "find", "--ui-url=https://temporal.example.com/", erin.Address)
	answered(t, page, "https://temporal.example.com/namespaces/default/workflows/reset%2F"+strings.TrimPrefix(done.ID, "reset/")+"/"+done.Run+"/history")

	if err := os.Remove(filepath.Join(r.keys, "payload.json")); err != nil {
		t.Fatal(err)
	}
	if sealed := r.find(t, nobody.Address)[0]; sealed.State != "awaiting_token" || sealed.Withheld != "" || !sealed.Sealed {
		t.Errorf("without payload.json: %+v", sealed)
	}
	answered(t, r.operate(t, 3, "find", grace.Address), "keeps no run")
	r.toldNothing(t)
}

// All users of the machine see an address on a command line, so it may come from the standard
// input.
func TestFindReadsStandardInput(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.Worker(t)
	r.Starter(t)
	r.Forgot(t, r.People[0])
	env := append(append([]string{}, r.Env...), "REKEY_KEYS="+r.keys)
	for command, says := range map[string]string{"find -": "reset/", "cancel -": "canceled: no link of run "} {
		p := process.Start(t, "/bin/sh", env, "-c", "echo erin@example.com | "+r.Program(t)+" "+command)
		if code := p.Exit(t); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		answered(t, p, says)
	}
}
