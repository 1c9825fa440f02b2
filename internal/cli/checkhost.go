package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/account/hosturl"
)

// checkCmd is `rekey check-host`.
type checkCmd struct {
	hostFlags

	Address string `arg:"" optional:"" name:"email" help:"Mail address of a test account. Its password hash is changed and changed back, which ends its sessions."`
}

func (c *checkCmd) check() error {
	if c.UsersURL == "" || c.UsersSecret == "" {
		return errors.New("want --users-url ($REKEY_USERS_URL) and --users-secret-file ($REKEY_USERS_SECRET_FILE)")
	}
	return nil
}

// Run prints each rule of the contract and whether the application keeps it.
func (c *checkCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	host, err := c.host(ctx)
	if err != nil {
		return err
	}
	application, ok := host.(*hosturl.Host)
	if !ok {
		return refusal("a worker checks a database itself, at its start")
	}
	defer application.Close()
	broken := 0
	application.Check(ctx, c.Address, func(rule string, err error) {
		if err == nil {
			fmt.Fprintln(p.stdout, "ok    ", rule)
			return
		}
		broken++
		fmt.Fprintf(p.stdout, "BROKEN %s: %v\n", rule, err)
	})
	if broken > 0 {
		return refusal(fmt.Sprintf("the application breaks %d rules of docs/hosts/url.md", broken))
	}
	if c.Address == "" {
		fmt.Fprintln(p.stdout, "not checked: change, which needs the mail address of a test account as an argument")
	}
	return nil
}
