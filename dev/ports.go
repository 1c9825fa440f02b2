package main

import (
	"fmt"
	"net"

	"github.com/rekeyhq/rekey/account"
)

// checkPorts refuses an address that cannot be listened on before anything is
// started, and names the flag to change. All are held until the last is checked, so
// that one that is given twice is found too.
func (c *cli) checkPorts() error {
	for _, f := range []struct{ flag, env, addr string }{
		{"--listen", "REKEY_DEV_LISTEN", c.Listen},
		{"--temporal", "REKEY_DEV_TEMPORAL", c.Temporal},
		{"--ui", "REKEY_DEV_UI", c.UI},
		{"--inbox", "REKEY_DEV_INBOX", c.Inbox},
		{"--smtp", "REKEY_DEV_SMTP", c.SMTP},
	} {
		listener, err := net.Listen("tcp", f.addr)
		if err != nil {
			return fmt.Errorf("%s ($%s) cannot be used: %w; give another address", f.flag, f.env, err)
		}
		defer listener.Close()
		// Everybody knows the password of the seeded accounts and may read the inbox.
		if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
			return fmt.Errorf("%s ($%s) cannot be used: %s is reached from elsewhere; give an address of 127.0.0.1", f.flag, f.env, f.addr)
		}
	}
	return nil
}

// kind says what is special about a seeded account.
func kind(a account.Account) string {
	switch {
	case a.Disabled:
		return "disabled: gets no mail"
	case !a.Resettable:
		return "has no password of its own: gets no mail"
	case len(a.Notify) > 0:
		return "also told at " + a.Notify[0]
	default:
		return ""
	}
}
