package flood

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// hanging is how many mails a mail server keeps waiting.
const hanging = 600

// security 34: a mail server that accepts connections and stays silent holds up mails and
// nothing else. An owner who has a link sets a password meanwhile, and has the answer within 3
// s.
func TestTarpit(t *testing.T) {
	suite.Long(t)
	s := start(t, nil)
	const known = "ada@example.com"
	put(t, s, known)
	strangers := make([]account.Account, hanging)
	for i := range strangers {
		address := fmt.Sprintf("person-%d@example.com", i+1)
		strangers[i] = account.Account{ID: address, Address: address, Credential: "$argon2id$x", Resettable: true}
	}
	if err := s.Store.PutMany(t.Context(), strangers); err != nil {
		t.Fatal(err)
	}
	forgotMany(t, s, 1, always(known))
	link := mailed(t, s, known)[0]

	var silent atomic.Int64
	s.Mail.FailAt(inbox.Greeting, func(inbox.Message) error {
		silent.Add(1)
		return inbox.ErrHang
	})
	before := heap()
	answers := forgotMany(t, s, hanging, func(i int) (address, client string) {
		return strangers[i-1].Address, "10.2.0.1"
	})
	asked := answers[http.StatusOK]
	if asked < hanging*9/10 { // a busy machine may turn some away
		t.Errorf("answers %v", answers)
	}
	process.Eventually(t, patience, "all mails hang", func() bool { return silent.Load() >= int64(asked) })
	began := time.Now()
	resets(t, s, link)
	took := time.Since(began)
	t.Logf("with %d mails hanging the password was changed in %v", silent.Load(), took.Round(time.Millisecond))
	if took > 3*time.Second {
		t.Errorf("the password was changed after %v", took)
	}
	t.Logf("%d hanging mails hold %.1f MiB of this process, server and runs included", silent.Load(), heap()-before)
}

// When a provider takes few mails, most waiting ones are links: any client can request them.
// The notice of a change does not wait behind them.
func TestNoticesGoFirst(t *testing.T) {
	suite.Long(t)
	const links = 40
	s := start(t, func(c *stack.Config) { c.MailRate = 1 })
	const known = "ada@example.com"
	put(t, s, known)
	forgotMany(t, s, 1, always(known))
	link := mailed(t, s, known)[0]
	for i := range links {
		put(t, s, fmt.Sprintf("person-%d@example.com", i+1))
	}
	var sent atomic.Int64
	told := make(chan int64, 1)
	s.Mail.Fail(func(m inbox.Message) error {
		if m.Recipients[0] == known {
			told <- sent.Load()
			return nil
		}
		sent.Add(1)
		return nil
	})
	forgotMany(t, s, links, func(i int) (address, client string) { return fmt.Sprintf("person-%d@example.com", i), "10.2.0.1" })
	resets(t, s, link)
	select {
	case before := <-told:
		t.Logf("%d of %d links went out before the notice", before, links)
		if before > links/2 {
			t.Errorf("the notice waited behind %d links", before)
		}
	case <-t.Context().Done():
	}
}
