package timing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
)

const newPassword = "plum velvet thirty gulls"

// scenario is a situation in which the time could reveal an account.
type scenario struct {
	name    string
	config  func(*stack.Config)
	account func(*account.Account) // makes the accounts special ones
	// before brings accounts and nobodies to where the timed request comes.
	before func(context.Context, *lab) error
	pairs  int // 0 for the usual number
}

func scenarios() []scenario {
	return []scenario{
		{name: "first request"},
		{name: "first request, account disabled", account: func(a *account.Account) { a.Disabled = true }},
		{name: "first request, no mail server", config: noMailServer},
		{name: "again, within the cool-down", before: askAll},
		{name: "again, another link is mailed", config: shortCoolDown, before: askAll},
		{name: "again, no mail server", config: noMailServer, before: later(askAll)},
		{name: "again, nobody's run is over", config: unmailed, before: later(outlive(askAll))},
		{name: "again, mail delayed", before: later(askAllWhileMailFails(450))},
		{name: "again, mail refused", before: later(askAllWhileMailFails(550))},
		{name: "again, reset canceled", before: later(cancelAll)},
		{name: "again, link used", before: later(useAll)},
		{name: "again, change refused", before: later(refuseAll)},
		usedAtOnce(),
		{name: "again, links expired", config: shortLife, before: later(expireAll)},
	}
}

// usedAtOnce is within the cool-down. A request looks at the run, and starts another one if that is
// closed: two calls for an account, and one for an unknown address.
func usedAtOnce() scenario {
	return scenario{name: "again, within the cool-down, link used", config: longCoolDown, before: useAll}
}

func noMailServer(c *stack.Config)  { c.Smarthost = "127.0.0.1:1" }
func shortLife(c *stack.Config)     { c.LinkLife = time.Second }
func unmailed(c *stack.Config)      { noMailServer(c); shortLife(c) }
func longCoolDown(c *stack.Config)  { c.CoolDown = time.Hour }
func shortCoolDown(c *stack.Config) { c.CoolDown = time.Millisecond }

// later lets the starter's cool-down pass.
func later(f func(context.Context, *lab) error) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		err := f(ctx, l)
		l.ahead.Store(int64(2 * time.Minute))
		return err
	}
}

// outlive waits until the runs of unknown addresses are over, while runs of accounts still try
// to send their mail.
func outlive(f func(context.Context, *lab) error) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		if err := f(ctx, l); err != nil {
			return err
		}
		return l.open(ctx, len(l.known))
	}
}

// expireAll lets all links expire.
func expireAll(ctx context.Context, l *lab) error {
	if err := askAll(ctx, l); err != nil {
		return err
	}
	return l.open(ctx, 0)
}

// open waits until so many runs are open.
func (l *lab) open(ctx context.Context, want int) error {
	c, err := client.DialContext(ctx, l.TemporalOptions())
	if err != nil {
		return err
	}
	defer c.Close()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		open, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: client.DefaultNamespace, Query: "ExecutionStatus = 'Running'",
		})
		if err != nil || open.GetCount() == int64(want) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func askAll(ctx context.Context, l *lab) error {
	if err := l.each(ctx, l.unknown, l.ask); err != nil {
		return err
	}
	return l.each(ctx, l.known, l.ask)
}

func askAllWhileMailFails(code int) func(context.Context, *lab) error {
	return func(ctx context.Context, l *lab) error {
		var mu sync.Mutex
		tried := map[string]bool{} // a mail that is put off is tried again
		done := make(chan struct{})
		l.Mail.Fail(func(m inbox.Message) error {
			mu.Lock()
			defer mu.Unlock()
			address := m.To[0].Address
			if !tried[address] && len(tried) == len(l.known)-1 {
				close(done)
			}
			tried[address] = true
			return inbox.Reply(code, "no")
		})
		if err := askAll(ctx, l); err != nil {
			return err
		}
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func cancelAll(ctx context.Context, l *lab) error {
	return l.follow(ctx, "cancel-reset", func(ctx context.Context, _, token string) error {
		return l.post(ctx, "/account/cancel_reset/"+token, map[string]string{})
	})
}

// refuseAll submits a password for accounts that were disabled since the mail.
func refuseAll(ctx context.Context, l *lab) error {
	return l.follow(ctx, "change-password", func(ctx context.Context, address, token string) error {
		found, err := l.Store.Find(ctx, address)
		if err != nil {
			return err
		}
		found[0].Disabled = true
		if err := l.Store.Put(ctx, found[0]); err != nil {
			return err
		}
		switch err := l.post(ctx, "/account/reset_password/"+token, map[string]string{"password": newPassword}); {
		case err == nil:
			return errors.New("the change is not refused")
		case !strings.Contains(err.Error(), "change_refused"):
			return fmt.Errorf("the change is not refused: %w", err)
		}
		return nil
	})
}

func useAll(ctx context.Context, l *lab) error {
	return l.follow(ctx, "change-password", func(ctx context.Context, address, token string) error {
		if err := l.post(ctx, "/account/reset_password/"+token, map[string]string{"password": newPassword}); err != nil {
			return err
		}
		_, err := l.Mail.Wait(ctx, address, 2) // the notice
		return err
	})
}

// follow requests links for all, and uses the token of one page's link in each mail.
func (l *lab) follow(ctx context.Context, page string, do func(ctx context.Context, address, token string) error) error {
	if err := askAll(ctx, l); err != nil {
		return err
	}
	return l.each(ctx, l.known, func(ctx context.Context, address string) error {
		token, err := l.token(ctx, address, page)
		if err != nil {
			return err
		}
		return do(ctx, address, token)
	})
}
