package e2e

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
)

// security 18: an address that takes no mail now is told later, and until then it keeps
// nobody waiting: whoever reads that the password was changed gets a link at once.
func TestOwedNoticeKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	who := newPerson(t, s, func(a *account.Account) { a.Notify = []string{"backup-" + a.Address} })
	backup := who.Notify[0]
	var takesMail atomic.Bool
	s.Mail.Fail(func(m inbox.Message) error {
		if slices.Contains(m.Recipients, backup) && !takesMail.Load() {
			return inbox.Reply(450, "try later")
		}
		return nil
	})
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	mailed(t, s, who.Address, 2) // the notice
	forgot(t, s, who.Address)
	second, _ := tokens(t, s, who.Address, 3)
	if a := reset(t, s, second, otherPassword); a.code != 200 {
		t.Fatalf("the link of after: %+v", a)
	}
	takesMail.Store(true)
	mailed(t, s, who.Address, 4)
	mailed(t, s, backup, 2) // of both changes
}

// security 18, 20: a table of users may have domains as people write them. Mail servers take
// their ASCII form.
func TestUnicodeDomainsAreMailed(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	newPerson(t, s, func(a *account.Account) { a.Address, a.Notify = "Bo@BÜCHER.example", []string{"bo@straße.example"} })
	forgot(t, s, "bo@bücher.example")
	token, _ := tokens(t, s, "Bo@xn--bcher-kva.example", 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	mailed(t, s, "Bo@xn--bcher-kva.example", 2)
	mailed(t, s, "bo@xn--strae-oqa.example", 1)
}
