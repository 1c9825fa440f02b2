// Package options is the command line of the development program. It links nothing of Temporal,
// so that a wrong flag or a busy port is reported before Temporal's server is compiled.
package options

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/internal/usage"
)

// Program and About are its name and its purpose.
const (
	Program = "dev"
	About   = "The whole of rekey in one process."
)

// Options are the flags. Every one has an environment variable.
type Options struct {
	Listen   string `default:"127.0.0.1:8080" env:"REKEY_DEV_LISTEN" help:"Demo application and starter."`
	Temporal string `default:"127.0.0.1:7233" env:"REKEY_DEV_TEMPORAL" help:"Temporal server."`
	UI       string `name:"ui" default:"127.0.0.1:8233" env:"REKEY_DEV_UI" help:"Temporal UI."`
	Inbox    string `default:"127.0.0.1:8025" env:"REKEY_DEV_INBOX" help:"Inbox: web page and API."`
	SMTP     string `name:"smtp" default:"127.0.0.1:1025" env:"REKEY_DEV_SMTP" help:"Inbox: SMTP server."`

	PortOffset int `default:"0" env:"REKEY_DEV_PORT_OFFSET" help:"Offset of these ports except 0, for a second program beside the first."`

	Data        string `type:"path" env:"REKEY_DEV_DATA" help:"Folder for keys, accounts and runs. Without it, a restart loses them."`
	TemporalDB  string `name:"temporal-db" env:"REKEY_DEV_TEMPORAL_DB" placeholder:"URL" help:"PostgreSQL database of the Temporal server, as postgres://USER@HOST:PORT/DATABASE, in place of a file in --data; needs --data for the keys. Put the password into the variable, or into PGPASSWORD."`
	Accounts    int    `default:"0" env:"REKEY_DEV_ACCOUNTS" help:"Seed accounts user1@example.com, user2@example.com, ... for load tests."`
	ClientLimit int    `default:"10" env:"REKEY_DEV_CLIENT_LIMIT" help:"Requests per minute and client address; 0 is no limit."`

	ResetPassword bool   `negatable:"" default:"true" env:"REKEY_DEV_RESET_PASSWORD" help:"The feature flag user:reset-password."`
	LogLevel      string `enum:"debug,info,warn,error" default:"warn" env:"REKEY_DEV_LOG_LEVEL" help:"Lowest log level: ${enum}."`
}

// Check moves the ports by the offset, and refuses options that cannot work.
func (c *Options) Check() error {
	if err := cmp.Or(c.movePorts(), c.checkPorts()); err != nil {
		return err
	}
	switch {
	case c.Accounts < 0:
		return usage.Mark(fmt.Errorf("--accounts ($REKEY_DEV_ACCOUNTS): want 0 or more, not %d", c.Accounts))
	case c.ClientLimit < 0:
		return usage.Mark(fmt.Errorf("--client-limit ($REKEY_DEV_CLIENT_LIMIT): want 0 or more, not %d", c.ClientLimit))
	case c.TemporalDB != "" && c.Data == "": // runs that outlive their keys could never continue
		return usage.Mark(errors.New("--temporal-db ($REKEY_DEV_TEMPORAL_DB) needs --data ($REKEY_DEV_DATA): the keys of its runs are kept there"))
	default:
		return nil
	}
}
