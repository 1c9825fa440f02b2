package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/usage"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// forceCmd is `rekey force`.
type forceCmd struct {
	Start  forceStartCmd  `cmd:"" default:"withargs" help:"Force a reset of one account, of all, or of a list."`
	Status forceStatusCmd `cmd:"" help:"Show the campaign: accounts that are done, left and failed, rate and end."`
	Pause  forcePauseCmd  `cmd:"" help:"Let the campaign begin no further reset until it is resumed."`
	Resume forceResumeCmd `cmd:"" help:"Let a paused campaign go on."`
	Rate   forceRateCmd   `cmd:"" help:"Change the rate of the campaign."`
	Cancel forceCancelCmd `cmd:"" help:"End the campaign. The resets that it began go on."`
}

// forceFlags are common to the commands that act.
type forceFlags struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json and, for an address, account.json)."`
	As   string `required:"" env:"REKEY_OPERATOR" help:"Your name, for the audit log: a.smith."`
	jsonFlag
}

func (f forceFlags) check() error { return checkOperator(f.As) }

func (f forceFlags) operate(p *process, do func(context.Context, *operator.Client) error) error {
	return p.operate(operator.Config{Keys: p.keys(f.Keys)}, do)
}

// forceStartCmd is `rekey force` itself.
type forceStartCmd struct {
	forceFlags
	All      bool          `xor:"whom" env:"REKEY_ALL" help:"Force a reset of every account."`
	File     string        `xor:"whom" type:"path" env:"REKEY_FILE" help:"Force a reset of the addresses in a file, one a line."`
	Reason   string        `required:"" env:"REKEY_REASON" help:"Reason, for the mails and the audit log: one line."`
	Rate     string        `default:"10/s" env:"REKEY_RATE" help:"Accounts per second, minute or hour, of --all and --file: 50/s, 600/m, 100/h."`
	DryRun   bool          `name:"dry-run" env:"REKEY_DRY_RUN" help:"Count the accounts of --all or --file, and force none."`
	After    string        `env:"REKEY_AFTER" help:"Go on behind this account ID, which the status of an earlier campaign shows; with --all."`
	LinkLife time.Duration `name:"forced-life" default:"24h" env:"REKEY_FORCED_LIFE" help:"Life of the link of a forced reset, 1h to 168h."`
	Yes      bool          `env:"REKEY_YES" help:"Start a campaign without asking."`

	Account string `arg:"" optional:"" name:"email" help:"Mail address of the account, or - to read it from standard input: other users and the shell history see a command line."`
}

func (f *forceStartCmd) check() error {
	if err := f.forceFlags.check(); err != nil {
		return err
	}
	if _, err := parseRate(f.Rate); err != nil {
		return err
	}
	switch {
	case f.Account == "" && f.File == "" && !f.All, f.Account != "" && (f.File != "" || f.All):
		return errors.New("want one of a mail address, --file and --all")
	case strings.TrimSpace(f.Reason) == "":
		return errors.New("--reason ($REKEY_REASON): want a line, which the owners read")
	case f.Account != "" && (f.DryRun || f.After != ""):
		return errors.New("--dry-run and --after are for --all and --file")
	}
	return checkLife("--forced-life ($REKEY_FORCED_LIFE)", f.LinkLife)
}

// parseRate reads accounts per second.
func parseRate(text string) (float64, error) {
	rate, err := operator.ParseRate(text)
	if err != nil {
		return 0, fmt.Errorf("--rate ($REKEY_RATE): want 50/s, 600/m or 100/h, from 1/h to %g/s, not %s", workflow.MaxRate, text)
	}
	return rate, nil
}

// Run forces a reset, or starts a campaign.
func (f *forceStartCmd) Run(p *process) error {
	if f.Account == "" {
		return f.startCampaign(p)
	}
	address, err := addressOf(f.Account, p.stdin)
	if err != nil {
		return err
	}
	return f.operate(p, func(ctx context.Context, c *operator.Client) error {
		run, err := c.Force(ctx, operator.Order{Address: address, Operator: f.As, LinkLife: f.LinkLife}, f.Reason)
		if err != nil {
			return err
		}
		return forced{run}.write(p.stdout, f.JSON)
	})
}

func (f *forceStartCmd) startCampaign(p *process) error {
	addresses, err := f.addresses()
	if err != nil {
		return err
	}
	if err := f.confirm(p, len(addresses)); err != nil {
		return err
	}
	rate, err := parseRate(f.Rate)
	if err != nil {
		return err
	}
	return f.operate(p, func(ctx context.Context, c *operator.Client) error {
		err := c.StartCampaign(ctx, operator.CampaignOrder{
			Operator: f.As, Reason: f.Reason, Rate: rate, Addresses: addresses, After: f.After, DryRun: f.DryRun, LinkLife: f.LinkLife,
		})
		if err != nil {
			return err
		}
		if f.JSON {
			return writeJSON(p.stdout, map[string]string{"result": "started"})
		}
		_, err = fmt.Fprintln(p.stdout, "started: it goes on by itself; `rekey force status` shows it")
		return err
	})
}

// addresses are those of the file, nil without one.
func (f *forceStartCmd) addresses() ([]string, error) {
	if f.File == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.File)
	if err != nil {
		return nil, err
	}
	all := operator.Lines(string(text))
	for n, line := range all {
		if _, err := account.ParseAddress(line); err != nil {
			return nil, fmt.Errorf("%s: line %d, empty ones left out: %w", f.File, n+1, err)
		}
	}
	return all, nil
}

// confirm asks on a terminal. Without one the answer has to be on the command line.
func (f *forceStartCmd) confirm(p *process, listed int) error {
	if f.Yes || f.DryRun {
		return nil
	}
	whom := "every account"
	if f.File != "" {
		whom = fmt.Sprintf("%d accounts", listed)
	}
	if !usage.IsTerminal(p.stderr) {
		return fmt.Errorf("this takes the password of %s away: count them with --dry-run, then repeat with --yes", whom)
	}
	fmt.Fprintf(p.stderr, "This takes the password of %s away. Type yes to go on: ", whom)
	line, err := bufio.NewReader(io.LimitReader(p.stdin, maxArgument)).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// forced is the output for one account.
type forced struct{ operator.Run }

func (f forced) write(out io.Writer, asJSON bool) error {
	good := slices.Contains([]statemachine.State{
		statemachine.StateRequested, statemachine.StatePasswordBlocked, statemachine.StateAwaitingToken, statemachine.StateCompleted,
	}, statemachine.State(f.State))
	if err := writeAnswer(out, asJSON, f.Run, good, f.text()); err != nil || good {
		return err
	}
	return refusal(f.text())
}

func (f forced) text() string {
	switch state := statemachine.State(f.State); {
	case state == statemachine.StateRefused:
		return "refused: " + f.Refused + "; the password still works"
	case state == statemachine.StateRequested:
		return "accepted: run " + f.RunID + " blocks the password when a worker is available"
	case f.Withheld != "":
		return "blocked, and no mail: " + f.Withheld
	case state == statemachine.StatePasswordBlocked:
		return "blocked: the mail is not sent yet; `rekey find` shows why"
	case state == statemachine.StateAwaitingToken, state == statemachine.StateCompleted:
		return "blocked and mailed: run " + f.RunID
	default:
		return "the run ended (" + f.State + "), and `rekey find` shows how far it came: run " + f.RunID
	}
}

// The commands for the campaign.
type (
	forcePauseCmd  struct{ forceFlags }
	forceResumeCmd struct{ forceFlags }
	forceCancelCmd struct{ forceFlags }
	forceRateCmd   struct {
		forceFlags
		Rate string `arg:"" help:"Accounts per second, minute or hour: 50/s, 600/m, 100/h."`
	}
)

// command gives a command to the campaign, and shows it.
func (f forceFlags) command(p *process, do func(*operator.Client, context.Context, string) (operator.Campaign, error)) error {
	return f.operate(p, func(ctx context.Context, c *operator.Client) error {
		now, err := do(c, ctx, f.As)
		if err != nil {
			return err
		}
		return campaign{now}.write(p.stdout, f.JSON)
	})
}

// Run pauses the campaign.
func (f *forcePauseCmd) Run(p *process) error {
	return f.command(p, (*operator.Client).PauseCampaign)
}

// Run resumes the campaign.
func (f *forceResumeCmd) Run(p *process) error {
	return f.command(p, (*operator.Client).ResumeCampaign)
}

// Run cancels the campaign.
func (f *forceCancelCmd) Run(p *process) error {
	return f.command(p, (*operator.Client).CancelCampaign)
}

// Run changes the rate of the campaign.
func (f *forceRateCmd) Run(p *process) error {
	rate, err := parseRate(f.Rate)
	if err != nil {
		return err
	}
	return f.command(p, func(c *operator.Client, ctx context.Context, operator string) (operator.Campaign, error) {
		return c.SetRate(ctx, operator, rate)
	})
}

// forceStatusCmd is `rekey force status`.
type forceStatusCmd struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json)."`
	jsonFlag
	Watch bool `env:"REKEY_WATCH" help:"Go on until the campaign is over: a bar on a terminal, else a line for each change."`
}

const watchEvery = 2 * time.Second

// Run shows the campaign.
func (f *forceStatusCmd) Run(p *process) error {
	look := func() (now operator.Campaign, err error) {
		err = p.operate(operator.Config{Keys: p.keys(f.Keys)}, func(ctx context.Context, c *operator.Client) error {
			now, err = c.Campaign(ctx)
			return err
		})
		return now, err
	}
	last := ""
	for {
		now, err := look()
		if err != nil {
			return err
		}
		if !f.Watch {
			return campaign{now}.write(p.stdout, f.JSON)
		}
		if line := (campaign{now}).line(); usage.IsTerminal(p.stdout) {
			fmt.Fprintf(p.stdout, "\r\x1b[K%s", line)
		} else if line != last {
			fmt.Fprintln(p.stdout, line)
			last = line
		}
		if now.Over() {
			fmt.Fprintln(p.stdout)
			return campaign{now}.write(p.stdout, f.JSON)
		}
		select {
		case <-time.After(watchEvery):
		case <-p.ctx.Done():
			return nil
		}
	}
}

// campaign is the output about a campaign.
type campaign struct{ operator.Campaign }

const barWidth = 30

// line is a campaign in one line, with a bar where the total is known.
func (c campaign) line() string {
	if c.Total == 0 {
		return fmt.Sprintf("%s, %d done", c.State, c.Started+c.Failed)
	}
	done := c.Total - c.Left
	full := barWidth * done / c.Total
	return fmt.Sprintf("[%s%s] %s, %d done of %d", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), c.State, done, c.Total)
}

func (c campaign) write(out io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(out, c.Campaign)
	}
	fmt.Fprintln(out, c.line())
	fmt.Fprintf(out, "rate      %g/s\n", c.Rate)
	fmt.Fprintf(out, "started   %d\n", c.Started)
	fmt.Fprintf(out, "unfit     %d (no password, or none by mail)\n", c.Unfit)
	fmt.Fprintf(out, "failed    %d\n", c.Failed)
	fmt.Fprintf(out, "left      %d\n", c.Left)
	fmt.Fprintf(out, "began     %s\nends      %s\n", stamp(c.Began), stamp(c.Ends))
	if c.DryRun {
		fmt.Fprintln(out, "This was a trial: nothing was forced.")
	}
	if c.Refused != "" {
		fmt.Fprintf(out, "refused   %s\n", c.Refused)
	}
	if c.After != "" {
		fmt.Fprintf(out, "after     %s\n", c.After)
	}
	for _, n := range c.Resets {
		fmt.Fprintf(out, "resets    %s: %d\n", n.Name, n.Runs)
	}
	return nil
}
