// Package cli is the command line of the password-reset engine: the worker, the starter, and the
// tools of an operator. The programs cmd/rekey and one have it.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/signals"
	"github.com/rekeyhq/rekey/internal/usage"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
	"github.com/rekeyhq/rekey/worker"
)

// cli is the command line. Every flag has an environment variable.
type cli struct {
	LogLevel  string `enum:"debug,info,warn,error" default:"info" env:"REKEY_LOG_LEVEL" help:"Lowest log level: ${enum}."`
	LogFormat string `enum:"json,console" default:"json" env:"REKEY_LOG_FORMAT" help:"Log format: ${enum}."`

	TaskQueue string `name:"task-queue" default:"${task_queue}" env:"REKEY_TASK_QUEUE" help:"Task queue in Temporal. All processes and commands of a product share it; each product in a namespace has its own."`

	Compression string `name:"temporal-compression" enum:"auto,on,off" default:"auto" env:"REKEY_TEMPORAL_COMPRESSION" help:"Compress requests to Temporal: ${enum}. With auto, not to an address of this machine or a private network."`

	Worker    workerCmd    `cmd:"" help:"Run the workflow and its activities, use the account store and send the mails."`
	Starter   starterCmd   `cmd:"" help:"Serve the routes and pages of the password reset."`
	Codec     codecCmd     `cmd:"" help:"Serve decrypted payloads to Temporal's UI and command line, for authorized operators."`
	Keys      keysCmd      `cmd:"" help:"Create, list and rotate keysets."`
	Setup     setupCmd     `cmd:"" help:"Register the search attribute RekeyState in the Temporal namespace. Safe to repeat."`
	Replay    replayCmd    `cmd:"" help:"Replay the runs of the namespace on this build, before you deploy it."`
	List      listCmd      `cmd:"" help:"List open resets, invitations and forced resets, and what each waits for: a mail server, the store or its link. Needs no key."`
	Find      findCmd      `cmd:"" help:"Show the resets, invitations and forced resets of an account: state, mails, why none was sent, next expiry."`
	Cancel    cancelCmd    `cmd:"" help:"Cancel a run, so that its links stop working."`
	Resend    resendCmd    `cmd:"" help:"Mail another link to an account owner, within the owner's limits."`
	Force     forceCmd     `cmd:"" help:"Take passwords away, of one account or of all, and mail their owners a link to a new one."`
	Stats     statsCmd     `cmd:"" help:"Count runs by state, by age and by flow."`
	Audit     auditCmd     `cmd:"" help:"Print the audit log: requests, callers, times and results."`
	Forget    forgetCmd    `cmd:"" help:"Delete all data of an account that your application has deleted."`
	Migrate   migrateCmd   `cmd:"" help:"Create or update rekey's schema in a PostgreSQL database. Safe to repeat."`
	Adopt     adoptCmd     `cmd:"" help:"Look at the users of your application in PostgreSQL, and write the SQL with which a worker reaches them."`
	Check     checkCmd     `cmd:"" name:"check-host" help:"Check that your application answers the requests of --users-url as rekey needs it."`
	CheckMail checkMailCmd `cmd:"" name:"check-mail" help:"Send a test mail, print the conversation, and look up what mailbox providers want of a sender."`
	Preview   previewCmd   `cmd:"" help:"Write all pages and mails in all languages to a folder, and show it in a browser."`
	Health    healthCmd    `cmd:"" help:"Check the health of a rekey process; fails unless it answers 200. For containers without curl."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// process has a command's surroundings.
type process struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	log    zerolog.Logger
	queue  string // task queue

	compression string // auto, on or off

	embedded *client.Options // of the Temporal server in this process; nil when there is none
}

// unlessStopped is the error of a start, or nil when a stop of the process cut the start short.
func (p *process) unlessStopped(err error) error {
	if errors.Is(p.ctx.Err(), context.Canceled) {
		return nil
	}
	return err
}

// Main runs the command line of the process until it ends or is told to stop, and returns the exit
// status. An error is on the standard error then. An option adds a command: see [One].
func Main(more ...kong.Option) int {
	err := run(signals.Context(), os.Args[1:], os.Stdout, os.Stderr, more...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rekey:", err)
	}
	return status(err)
}

const description = `Durable password reset on Temporal.

Temporal's own settings apply: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_...,
or the profile TEMPORAL_PROFILE of the file TEMPORAL_CONFIG_FILE.`

// errHelp ends the command line after help was printed.
var errHelp = errors.New("help was printed")

// run is the whole program, as tests start it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, more ...kong.Option) (err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			if recovered != any(errHelp) {
				panic(recovered)
			}
			err = nil
		}
	}()
	var c cli
	parser, err := newParser(&c, append(more, kong.Writers(stdout, stderr), kong.Exit(func(int) { panic(errHelp) }))...)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(usage.Words(args))
	if err != nil {
		return usage.Explain(err)
	}
	if err := cmp.Or(c.check(), check(parsed)); err != nil {
		return usage.Mark(err)
	}
	p := &process{ctx: ctx, stdin: os.Stdin, stdout: stdout, stderr: stderr, log: c.logger(stderr), queue: c.TaskQueue, compression: c.Compression}
	defer context.AfterFunc(ctx, func() { p.log.Info().Msg("stopping: work in progress is finished first") })()
	return explain(parsed, parsed.Run(p))
}

// newParser reads command lines into c. The defaults of the Go API are those of the flags.
func newParser(c *cli, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(c, append(
		more, kong.Name("rekey"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.NamedMapper("path", kong.MapperFunc(pathOrNone)),
		kong.Vars{
			"link_life":     short(starter.DefaultLinkLife),
			"cool_down":     short(starter.DefaultCoolDown),
			"idle_timeout":  strconv.Itoa(int(web.IdleTimeout.Seconds())) + "s",
			"max_link_life": short(worker.DefaultMaxLinkLife),
			"mail_limit":    strconv.Itoa(worker.DefaultMailLimit),
			"min_length":    strconv.Itoa(password.DefaultMinLength),
			"task_queue":    flow.TaskQueue,
			"flows":         strings.Join(kinds(), ","),
			"recipes":       strings.Join(postgres.Recipes(), ", "),
		},
	)...)
}

// short writes 30m, where a Duration prints 30m0s.
func short(d time.Duration) string {
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
}

// pathOrNone reads a path. An empty one is none: a Compose file sets an unset variable to "". The
// reader of kong takes it for the folder of the process.
func pathOrNone(ctx *kong.DecodeContext, into reflect.Value) error {
	var path string
	if err := ctx.Scan.PopValueInto("file", &path); err != nil {
		return err
	}
	if path != "" && path != "-" {
		path = kong.ExpandPath(path)
	}
	into.SetString(path)
	return nil
}

func (c *cli) check() error {
	if err := flow.CheckQueue(c.TaskQueue); err != nil {
		return fmt.Errorf("--task-queue ($REKEY_TASK_QUEUE): %w", err)
	}
	return nil
}

func (c *cli) logger(w io.Writer) zerolog.Logger {
	if c.LogFormat == "console" {
		w = usage.Console(w)
	}
	level, err := zerolog.ParseLevel(c.LogLevel)
	if err != nil {
		level = zerolog.InfoLevel // not reached: kong has checked the enum
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}
