package workflow

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// listen answers commands and questions of operators.
func (c *campaign) listen(ctx workflow.Context) error {
	for _, command := range []struct {
		name string
		do   func(workflow.Context, Command)
	}{
		{PauseUpdate, func(workflow.Context, Command) { c.in.Paused = true }},
		{ResumeUpdate, func(workflow.Context, Command) { c.in.Paused = false }},
		{RateUpdate, func(_ workflow.Context, by Command) { c.in.Rate = by.Rate }},
		{CancelUpdate, func(workflow.Context, Command) { c.stopped = true }},
	} {
		handle := func(ctx workflow.Context, by Command) (Progress, error) {
			c.in.Commands++
			command.do(ctx, by)
			c.paceAnew(ctx)
			c.show(ctx)
			return c.progress(workflow.Now(ctx)), nil
		}
		judge := func(by Command) error { return c.judge(command.name, by) }
		err := workflow.SetUpdateHandlerWithOptions(ctx, command.name, handle, workflow.UpdateHandlerOptions{Validator: judge})
		if err != nil {
			return err
		}
	}
	return workflow.SetQueryHandler(ctx, ProgressQuery, func() (Progress, error) { return c.progress(c.in.Batch), nil })
}

// judge refuses a command before it gets into the history.
func (c *campaign) judge(name string, by Command) error {
	refuse := func(kind, text string) error { return temporal.NewNonRetryableApplicationError(text, kind, nil) }
	switch {
	case by.Do != name || by.Campaign != c.in.Name:
		return refuse("foreign_command", "the command is for another campaign")
	case by.Number != c.in.Commands+1:
		return refuse("old_command", "another command came first: look at the campaign again")
	case name == RateUpdate && !ValidRate(by.Rate):
		return refuse("bad_rate", fmt.Sprintf("want a rate from 1 an hour to %g a second", MaxRate))
	}
	return nil
}

// progress is the progress at a time.
func (c *campaign) progress(now time.Time) Progress {
	p := Progress{
		Name: c.in.Name, State: c.state, Operator: c.in.Operator, Reason: c.in.Reason, DryRun: c.in.DryRun,
		Rate: c.in.Rate, Counts: c.in.Counts, Began: c.in.Began, Ends: c.ended, After: cmp.Or(c.last, c.in.After),
		Commands: c.in.Commands, Refused: c.refused,
	}
	if c.state == CampaignRuns && c.in.Paused {
		p.State = CampaignPaused
	}
	done := p.Counts.done(c.in.List)
	p.Left = max(0, p.Counts.Total-done)
	if p.State == CampaignRuns && p.Left > 0 && !c.in.DryRun {
		p.Ends = now.Add(time.Duration(p.Left) * c.gap())
	}
	return p
}

// done is the part of the total that is behind the campaign. That of a list has unfit accounts too.
func (n Counts) done(list bool) int {
	done := n.Started + n.Failed
	if list {
		done += n.Unfit
	}
	return done
}

// show shows operators the progress in Temporal's UI, which renders Markdown. The reason is the
// operator's text, so it stays out.
func (c *campaign) show(ctx workflow.Context) {
	workflow.SetCurrentDetails(ctx, c.progress(workflow.Now(ctx)).details(c.in.List))
}

// barWidth is the length of the progress bar in characters.
const barWidth = 40

func (p Progress) details(list bool) string {
	d := fmt.Appendf(nil, "**State:** `%s`, %g accounts a second, by %s", p.State, p.Rate, p.Operator)
	if p.DryRun {
		d = append(d, ", a dry run"...)
	}
	if total := p.Counts.Total; total > 0 && !p.DryRun {
		done := min(p.Counts.done(list), total)
		full := done * barWidth / total
		d = fmt.Appendf(d, "\n\n`[%s%s] %d %%`, %d of %d, %d left",
			strings.Repeat("#", full), strings.Repeat("-", barWidth-full), done*100/total, done, total, p.Left)
	}
	d = fmt.Appendf(d, "\n\n| accounts | number |\n|---|---|\n| forced resets begun | %d |\n"+
		"| that cannot be forced | %d |\n| not started | %d |\n", p.Counts.Started, p.Counts.Unfit, p.Counts.Failed)
	d = fmt.Appendf(d, "\n**Began:** %s", p.Began.UTC().Format(time.RFC3339))
	switch {
	case p.Ended():
		d = fmt.Appendf(d, "\n\n**Ended:** %s", p.Ends.UTC().Format(time.RFC3339))
	case !p.Ends.IsZero():
		d = fmt.Appendf(d, "\n\n**Ends:** about %s", p.Ends.UTC().Format(time.RFC3339))
	}
	if p.Refused != "" {
		d = fmt.Appendf(d, "\n\n**Refused:** %s", p.Refused)
	}
	return string(d)
}

// measure counts accounts by their result. A workflow task can be repeated and counts again then, so
// this is not for accounting.
func (c *campaign) measure(ctx workflow.Context, before Counts) {
	now := c.in.Counts
	for _, n := range []struct {
		result string
		more   int
	}{
		{"started", now.Started - before.Started},
		{"unfit", now.Unfit - before.Unfit},
		{"failed", now.Failed - before.Failed},
	} {
		if n.more > 0 {
			workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"result": n.result}).Counter("rekey_forced_resets").Inc(int64(n.more))
		}
	}
}
