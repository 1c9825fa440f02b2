package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/workflow"
)

// resendCmd is `rekey resend`.
type resendCmd struct {
	Keys     string        `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json and account.json)."`
	As       string        `required:"" env:"REKEY_OPERATOR" help:"Your name, for the audit log: a.smith."`
	LinkLife time.Duration `default:"${link_life}" env:"REKEY_LINK_LIFE" help:"Life of a mailed link, if this starts a reset."`
	CoolDown time.Duration `default:"${cool_down}" env:"REKEY_COOL_DOWN" help:"As in rekey starter, if this starts a reset."`
	jsonFlag

	Target string `arg:"" name:"email|run" help:"Mail address of the account, run ID or workflow ID (reset/..., invitation/..., forced-reset/...), or - to read it from standard input: other users and the shell history see a command line."`
}

// Run requests a mail as the owner would and prints whether one goes out.
func (r *resendCmd) Run(p *process) error {
	text, err := targetOf(r.Target, p.stdin)
	if err != nil {
		return err
	}
	order := operator.Order{Run: text, Operator: r.As, LinkLife: r.LinkLife, CoolDown: r.CoolDown}
	if strings.Contains(text, "@") {
		order.Address, order.Run = text, ""
	}
	return p.operate(operator.Config{Keys: p.keys(r.Keys)}, func(ctx context.Context, c *operator.Client) error {
		m, err := c.Resend(ctx, order)
		if err != nil {
			return err
		}
		return resending{m.Result, why(m), m.Run}.write(p.stdout, r.JSON)
	})
}

func (r *resendCmd) check() error {
	if err := checkOperator(r.As); err != nil {
		return err
	}
	return checkTimes(r.LinkLife, r.CoolDown)
}

// resending is the output of `rekey resend`.
type resending struct {
	Result string       `json:"result"`
	Why    string       `json:"why,omitempty"` // nothing is mailed
	Run    operator.Run `json:"run"`
}

// anew is how another run of a flow begins.
func anew(kind string) string {
	switch kind {
	case workflow.Invite.Kind:
		return "your application invites again with POST /v1/invitations"
	case workflow.ForceReset.Kind:
		return "the owner can use the forgot-password page, or your application forces another reset with POST /v1/forced-resets"
	default:
		return "`rekey resend` with the mail address starts another reset"
	}
}

// why is the reason why nothing is mailed, "" when a mail goes out.
func why(m operator.Resent) string {
	switch m.Why {
	case flow.MailOnItsWay:
		return "a mail is in progress: `rekey find` shows its state"
	case flow.InCoolDown:
		return "the cool-down is not over: retry at " + stamp(m.Again.Add(time.Second))
	case flow.LastLinkOut:
		return fmt.Sprintf("the run has used its %d mails: wait until %s, or `rekey cancel` it and retry", flow.MaxMails, stamp(m.Run.Expires))
	case operator.NotOpen:
		return fmt.Sprintf("run %s is over: %s", m.Run.RunID, anew(m.Run.Flow))
	case operator.RunFull:
		return "the run has reached its limit of signals: `rekey cancel` it and retry"
	case flow.LinksEnded: // another run answers
	}
	if m.Result == operator.Withheld {
		return "withheld: " + m.Run.Withheld
	}
	return ""
}

func (r resending) write(out io.Writer, asJSON bool) error {
	withheld := r.Result == operator.Withheld
	nothing := r.Result == operator.NothingMailed || withheld
	if err := writeAnswer(out, asJSON, r, !nothing, r.text()); err != nil || !nothing {
		return err
	}
	if withheld && r.Run.Withheld == string(flow.MailUnknown) {
		return refusal("a mail may have arrived; rekey sends no further copy: " + r.Why)
	}
	return refusal("nothing is mailed: " + r.Why)
}

func (r resending) text() string {
	if r.Result == operator.Mailed {
		return fmt.Sprintf("mailed: link %d of %d of run %s, which ends at %s", r.Run.Mails, flow.MaxMails, r.Run.RunID, stamp(r.Run.Expires))
	}
	return "requested: rekey mails a link as soon as a worker and the mail server are available; `rekey find` shows the state"
}
