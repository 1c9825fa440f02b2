package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// resendCmd is `rekey resend`.
type resendCmd struct {
	Keys     string        `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json and account.json)."`
	As       string        `required:"" env:"REKEY_OPERATOR" help:"Your name, for the audit log: a.smith."`
	LinkLife time.Duration `default:"30m" env:"REKEY_LINK_LIFE" help:"How long a mailed link works, for a run that this starts."`
	CoolDown time.Duration `default:"60s" env:"REKEY_COOL_DOWN" help:"How long after a mail another request surely mails again, for a run that this starts; in the first half of it none does."`
	jsonFlag

	Email string `arg:"" help:"Mail address of the account, or - to read it from standard input: a command line is seen by others and kept by the shell."`
}

// What became of a request for a mail.
const (
	wasMailed   = "mailed"
	wasWithheld = "withheld"
	isTried     = "asked" // durably; the mail server or a worker is awaited
	isNothing   = "nothing"
)

// resending is what `rekey resend` prints.
type resending struct {
	Result string   `json:"result"`
	Why    string   `json:"why,omitempty"` // nothing is mailed
	Run    resetRun `json:"run"`
}

// Run asks for a mail as the owner would and says whether one goes out.
func (r *resendCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	address, err := addressOf(r.Email, p.stdin)
	if err != nil {
		return err
	}
	in := workflow.Request{Address: address, LinkLife: r.LinkLife, CoolDown: r.CoolDown / 2, Operator: r.As}
	d, err := openWritingDesk(ctx, p, r.Keys)
	if err != nil {
		return err
	}
	defer d.Close()
	accounts, err := d.keys.AccountKeys()
	if err != nil {
		return err
	}
	in.AccountKey = accounts.Key(in.Address)
	done, err := d.resend(ctx, in)
	if err != nil {
		return err
	}
	return done.write(p, r.JSON)
}

func (r *resendCmd) check() error {
	if err := checkOperator(r.As); err != nil {
		return err
	}
	return checkTimes(r.LinkLife, r.CoolDown)
}

// resend asks, unless the run would not hear it, and looks for the mail.
func (d *desk) resend(ctx context.Context, in workflow.Request) (resending, error) {
	newest := target{workflowID: workflow.ID(in.AccountKey)}
	before, err := d.find(ctx, newest)
	if err != nil && !errors.Is(err, errNoRun) {
		return resending{}, err
	}
	if why := before.deaf(time.Now()); why != "" {
		return resending{isNothing, why, before}, nil
	}
	options := starter.StartOptions(in, d.queue)
	caller := workflow.Caller{AccountKey: in.AccountKey, Operator: in.Operator}
	_, err = d.SignalWithStartWorkflow(ctx, options.ID, workflow.RequestSignal, caller, options, workflow.Name, in)
	switch {
	case starter.SignalsFull(err):
		return resending{isNothing, "somebody has filled the run with signals: `rekey cancel` it and ask again", before}, nil
	case err != nil:
		return resending{}, err
	}
	return d.awaitMail(ctx, newest, before)
}

// awaitMail looks until another mail than those of before is decided.
func (d *desk) awaitMail(ctx context.Context, t target, before resetRun) (resending, error) {
	answered := func(r resetRun) bool {
		return r.story.answered > 0 && (r.Run != before.Run || r.story.answered > before.story.answered) &&
			(!r.Expires.IsZero() || !r.story.waiting)
	}
	after, err := d.lookUntil(ctx, t, answered)
	switch {
	case err != nil:
		return resending{}, err
	case !answered(after):
		return resending{Result: isTried, Run: after}, nil
	case after.Withheld != "":
		return resending{wasWithheld, "withheld: " + after.Withheld, after}, nil
	default:
		return resending{Result: wasMailed, Run: after}, nil
	}
}

// deaf says why a request would mail nothing now, "" when it would, as far as Temporal
// knows. Mails are counted in the store.
func (r resetRun) deaf(now time.Time) string {
	waits := r.State == string(statemachine.StateRequested) || r.State == string(statemachine.StateAwaitingToken)
	if !r.Open || !waits {
		return "" // it starts a run, or another one answers after this one
	}
	switch again := r.story.mailedAt.Add(r.story.in.CoolDown); {
	case r.State == string(statemachine.StateRequested) || r.story.mails > r.story.answered:
		return "a mail is on its way: `rekey find` shows how far it has come"
	case r.Mails >= workflow.MaxMails:
		return fmt.Sprintf("the run has had its %d mails: wait until %s, or `rekey cancel` it and ask again", workflow.MaxMails, stamp(r.Expires))
	case now.Before(again):
		return "the last mail is younger than the cool-down: ask again at " + stamp(again.Add(time.Second))
	default:
		return ""
	}
}

func (r resending) write(p *process, asJSON bool) error {
	nothing := r.Result == isNothing || r.Result == wasWithheld
	if asJSON {
		if err := writeJSON(p.stdout, r); err != nil {
			return err
		}
	} else if !nothing {
		fmt.Fprintln(p.stdout, r.text())
	}
	if r.Result == wasWithheld && r.Run.Withheld == string(workflow.MailUnknown) {
		return refusal("a mail may have arrived, and no further copy is sent: " + r.Why)
	}
	if nothing {
		return refusal("nothing is mailed: " + r.Why)
	}
	return nil
}

func (r resending) text() string {
	if r.Result == wasMailed {
		return fmt.Sprintf("mailed: link %d of %d of run %s, which ends at %s", r.Run.Mails, workflow.MaxMails, r.Run.Run, stamp(r.Run.Expires))
	}
	return "asked for: a link is mailed as soon as a worker and the mail server are there; `rekey find` shows how far it has come"
}
