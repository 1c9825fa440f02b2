// Command dev runs the whole product on one machine, in one process: an embedded
// Temporal server with its UI, an inbox that catches every mail, the worker, the
// starter with its pages, and a small application to sign in to.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/signals"
	"github.com/rekeyhq/rekey/internal/usage"
)

// cli is the command line. Every flag has an environment variable.
type cli struct {
	Listen   string `default:"127.0.0.1:8080" env:"REKEY_DEV_LISTEN" help:"Demo application and starter."`
	Temporal string `default:"127.0.0.1:7233" env:"REKEY_DEV_TEMPORAL" help:"Temporal server."`
	UI       string `name:"ui" default:"127.0.0.1:8233" env:"REKEY_DEV_UI" help:"Temporal UI."`
	Inbox    string `default:"127.0.0.1:8025" env:"REKEY_DEV_INBOX" help:"Inbox: web page and API."`
	SMTP     string `name:"smtp" default:"127.0.0.1:1025" env:"REKEY_DEV_SMTP" help:"Inbox: where mails are delivered."`

	PortOffset int `default:"0" env:"REKEY_DEV_PORT_OFFSET" help:"Added to each of these ports but 0, for a second program beside the first."`

	Data        string `type:"path" env:"REKEY_DEV_DATA" help:"Folder for keys, accounts and runs, so that all survives a restart. Without it nothing does."`
	TemporalDB  string `name:"temporal-db" env:"REKEY_DEV_TEMPORAL_DB" placeholder:"URL" help:"PostgreSQL database of the Temporal server, as postgres://USER@HOST:PORT/DATABASE, in place of a file in --data; needs --data for the keys. Have the password in the variable, or in PGPASSWORD."`
	Accounts    int    `default:"0" env:"REKEY_DEV_ACCOUNTS" help:"Seed accounts user1@example.com, user2@example.com, ... for load tests."`
	ClientLimit int    `default:"10" env:"REKEY_DEV_CLIENT_LIMIT" help:"Requests per minute and client address; 0 is no limit."`

	ResetPassword bool   `negatable:"" default:"true" env:"REKEY_DEV_RESET_PASSWORD" help:"The feature flag user:reset-password."`
	LogLevel      string `enum:"debug,info,warn,error" default:"warn" env:"REKEY_DEV_LOG_LEVEL" help:"Least level that is logged: ${enum}."`
}

func main() {
	var c cli
	usage.Parse(&c, "dev", "The whole of rekey in one process.")
	usage.Exit("dev", c.run(signals.Context(), os.Stdout, os.Stderr))
}

// run starts everything, says where it is, and stops it when the context ends.
func (c *cli) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	data, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	s, err := stack.Start(ctx, c.config(data, stdout, stderr))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	c.announce(stdout, s)
	select {
	case <-ctx.Done():
		fmt.Fprintln(stdout, "\nstopping")
		return nil
	case err := <-s.Broken():
		return err
	}
}

func (c *cli) check() error {
	if err := cmp.Or(c.movePorts(), c.checkPorts()); err != nil {
		return err
	}
	switch {
	case c.Accounts < 0:
		return usage.Mark(fmt.Errorf("--accounts ($REKEY_DEV_ACCOUNTS): want 0 or more, not %d", c.Accounts))
	case c.ClientLimit < 0:
		return usage.Mark(fmt.Errorf("--client-limit ($REKEY_DEV_CLIENT_LIMIT): want 0 or more, not %d", c.ClientLimit))
	case c.TemporalDB != "" && c.Data == "": // runs that outlive their keys could never go on
		return usage.Mark(errors.New("--temporal-db ($REKEY_DEV_TEMPORAL_DB) needs --data ($REKEY_DEV_DATA): the keys of its runs are kept there"))
	default:
		return nil
	}
}

func (c *cli) config(data string, stdout, stderr io.Writer) stack.Config {
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = zerolog.WarnLevel // not reached: kong has checked the enum
	}
	return stack.Config{
		Listen: c.Listen, Temporal: c.Temporal, UI: c.UI, Inbox: c.Inbox, SMTP: c.SMTP,
		Codec: "127.0.0.1:0", // the UI is told where
		Data:  data, Memory: c.Data == "", TemporalDB: c.TemporalDB, ClientLimit: c.ClientLimit, ResetPassword: c.ResetPassword,
		Seed:     func(ctx context.Context, store *bolt.Store) error { return demo.Seed(ctx, store, c.Accounts) },
		Log:      zerolog.New(usage.Console(stderr)).Level(level).With().Timestamp().Logger(),
		Progress: func(what string) { fmt.Fprintf(stdout, "starting %s ...\n", what) },
	}
}

// folder is the data folder, made when missing, or a temporary one that goes away.
func (c *cli) folder() (dir string, remove func() error, err error) {
	if c.Data == "" {
		dir, err = os.MkdirTemp("", "rekey-dev-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", nil, fmt.Errorf("--data ($REKEY_DEV_DATA): %w", err)
	}
	dir, err = filepath.Abs(c.Data)
	return dir, func() error { return nil }, err
}

func (c *cli) announce(w io.Writer, s *stack.Stack) {
	fmt.Fprintf(w, `
rekey is running. Stop it with Ctrl-C.

  demo application  %s/login
  inbox             %s
  Temporal UI       %s
  Temporal server   %s
  mail server       %s
`, s.URL, s.Mail.URL(), s.UIURL, s.Server.Addr(), s.Mail.SMTPAddr())
	if c.Data == "" {
		fmt.Fprintln(w, "  data              nowhere: pass --data DIR to keep it over a restart")
	} else {
		fmt.Fprintf(w, "  data              %s\n", s.Data)
	}
	if s.KeysLost {
		fmt.Fprintf(w, "\nThe keys of %s were gone, and new ones are made. Open resets that ended: %d. Links that were mailed before do not work.\n", s.Data, s.Ended)
	}
	fmt.Fprintln(w, "\nAccounts:")
	for _, p := range demo.People() {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-20s%s", p.Address, kind(p)), " "))
	}
	if c.Accounts > 0 {
		fmt.Fprintf(w, "  user1@example.com ... user%d@example.com\n", c.Accounts)
	}
	fmt.Fprintf(w, "password: %s\n", demo.Password)
}
