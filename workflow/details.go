package workflow

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// transition is one line of what an operator reads.
type transition struct {
	at    time.Time
	event string
	to    statemachine.State
}

// show counts a transition and notes it in the run's current details, which the Temporal
// UI renders as Markdown. Nothing there is an address or a secret.
func (r *run) show(ctx workflow.Context, event string) {
	r.count(ctx, event)
	r.history = append(r.history, transition{workflow.Now(ctx), event, r.machine.State()})
	workflow.SetCurrentDetails(ctx, r.details())
}

func (r *run) details() string {
	d := fmt.Appendf(nil, "**State:** `%s`\n\n**Mails:** %d of %d", r.machine.State(), r.mails, MaxMails)
	if r.withheld != "" {
		d = fmt.Appendf(d, "; the last was withheld (`%s`)", r.withheld)
	}
	if !r.expires.IsZero() {
		d = fmt.Appendf(d, "\n\n**The last link expires:** %s", stamp(r.expires))
	}
	if r.vain > 0 {
		d = fmt.Appendf(d, "\n\n**Asked for again, without another mail:** %d", r.vain)
	}
	if r.verdict.Reason != "" {
		d = fmt.Appendf(d, "\n\n**The change was refused:** %s", r.verdict.Reason)
	}
	if r.untold {
		d = append(d, "\n\n**The password was changed, and nobody was told.**"...)
	}
	if owing := r.owing(); len(owing) > 0 {
		d = fmt.Appendf(d, "\n\n**Addresses still to be told:** %d", addresses(owing))
	}
	d = append(d, "\n\n| time | event | state |\n|---|---|---|\n"...)
	for _, t := range r.history {
		d = fmt.Appendf(d, "| %s | `%s` | `%s` |\n", stamp(t.at), t.event, t.to)
	}
	return string(d)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func addresses(owing []Mail) (n int) {
	for _, m := range owing {
		n += len(m.To)
	}
	return n
}
