// Command whole runs the whole product on one machine, in one process. It has an embedded
// Temporal server with its UI, and an inbox that catches every mail. It has the worker, the
// starter with its pages, and a small application to sign in to. Command dev builds and starts
// it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/options"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/signals"
	"github.com/rekeyhq/rekey/internal/usage"
)

// cli is the command line, with its action.
type cli struct{ options.Options }

func main() {
	var c cli
	usage.Parse(&c.Options, options.Program, options.About)
	usage.Exit(options.Program, c.run(signals.Context(), os.Stdout, os.Stderr))
}

// run starts everything, says where it is, and stops it when the context ends.
func (c *cli) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if err := c.Check(); err != nil {
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

func (c *cli) config(data string, stdout, stderr io.Writer) stack.Config {
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = zerolog.WarnLevel // not reached: kong has checked the enum
	}
	return stack.Config{
		Listen: c.Listen, Temporal: c.Temporal, UI: c.UI, Inbox: c.Inbox, SMTP: c.SMTP,
		Codec: "127.0.0.1:0", // the UI gets the address
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

// kind names a special property of a seeded account.
func kind(a account.Account) string {
	switch {
	case a.Disabled:
		return "disabled: gets no mail"
	case !a.Resettable:
		return "has no password of its own: gets no mail"
	case len(a.Notify) > 0:
		return "notices also go to " + a.Notify[0]
	default:
		return ""
	}
}
