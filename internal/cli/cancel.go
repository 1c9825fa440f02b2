package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/rekeyhq/rekey/operator"
)

// cancelCmd is `rekey cancel`.
type cancelCmd struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json and, for an address, account.json)."`
	As   string `required:"" env:"REKEY_OPERATOR" help:"Your name, for the audit log: a.smith."`
	jsonFlag

	Reset string `arg:"" name:"email|run" help:"Mail address of the account, run ID or workflow ID (reset/..., invitation/..., forced-reset/...), or - to read it from standard input: other users and the shell history see a command line."`
}

// Run cancels a run and prints the result.
func (c *cancelCmd) Run(p *process) error {
	text, err := targetOf(c.Reset, p.stdin)
	if err != nil {
		return err
	}
	return p.operate(operator.Config{Keys: p.keys(c.Keys)}, func(ctx context.Context, o *operator.Client) error {
		done, err := o.Cancel(ctx, text, c.As)
		if err != nil {
			return err
		}
		return cancellation(done).write(p.stdout, c.JSON)
	})
}

func (c *cancelCmd) check() error { return checkOperator(c.As) }

type cancellation operator.Cancellation

func (c cancellation) write(out io.Writer, asJSON bool) error {
	late := c.Result == operator.TooLate
	if err := writeAnswer(out, asJSON, c, !late, c.text()); err != nil || !late {
		return err
	}
	return refusal(c.text())
}

// writeAnswer writes an answer as JSON, or as a text if it is a good one. A bad one is an error,
// which goes to standard error.
func writeAnswer(out io.Writer, asJSON bool, answer any, good bool, text string) error {
	if asJSON {
		return writeJSON(out, answer)
	}
	if !good {
		return nil
	}
	_, err := fmt.Fprintln(out, text)
	return err
}

func (c cancellation) text() string {
	var text string
	switch c.Result {
	case operator.Canceled:
		text = "canceled: no link of run " + c.Run.RunID + " works any more"
		if !c.Named {
			text += "; it takes no more signals, so the audit log says \"in Temporal\" in place of your name"
		}
	case operator.AlreadyOver:
		text = fmt.Sprintf("already over: run %s is %s", c.Run.RunID, c.Run.State)
	case operator.Asked:
		text = "requested: run " + c.Run.RunID + " is canceled when a worker is available"
	default:
		text = fmt.Sprintf("too late: run %s is %s, with an accepted password; `rekey find` shows the result", c.Run.RunID, c.Run.State)
	}
	if c.Next != "" {
		text += "; a newer request has started another run: " + c.Next
	}
	return text
}
