package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// cancelCmd is `rekey cancel`.
type cancelCmd struct {
	Keys string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json and, for an address, account.json)."`
	As   string `required:"" env:"REKEY_OPERATOR" help:"Your name, for the audit log: a.smith."`
	jsonFlag

	Reset string `arg:"" name:"email|run" help:"Mail address of the account, run ID or workflow ID (reset/...), or - to read it from standard input: a command line is seen by others and kept by the shell."`
}

// What became of a cancel.
const (
	wasCanceled = "canceled"
	wasOver     = "already_over" // nothing is left to cancel
	isAsked     = "asked"        // accepted by Temporal, no worker has carried it out yet
	isTooLate   = "too_late"     // a password is being changed, or was
)

// canceling is what `rekey cancel` prints.
type canceling struct {
	Result string   `json:"result"`
	Named  bool     `json:"named"` // whether the audit log will have the operator's name
	Run    resetRun `json:"run"`
	// Next is the run that answers whoever asked meanwhile: it is another reset.
	Next string `json:"next_run_id,omitempty"`
}

// Run cancels a run and says what became of it.
func (c *cancelCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	text, err := argument(c.Reset, p.stdin)
	if err != nil {
		return err
	}
	d, err := openWritingDesk(ctx, p, c.Keys)
	if err != nil {
		return err
	}
	defer d.Close()
	t, err := d.target(ctx, text)
	if err != nil {
		return err
	}
	done, err := d.cancel(ctx, t, c.As)
	if err != nil {
		return err
	}
	return done.write(p, c.JSON)
}

func (c *cancelCmd) check() error { return checkOperator(c.As) }

// cancel asks the run to end and looks until it has, or has a password.
func (d *desk) cancel(ctx context.Context, t target, operator string) (canceling, error) {
	r, err := d.find(ctx, t)
	if err != nil {
		return canceling{}, err
	}
	if r.settled() {
		return over(r), nil
	}
	named, err := d.sendCancel(ctx, r, operator)
	if err != nil {
		return canceling{}, err
	}
	r, err = d.lookUntil(ctx, target{r.Workflow, r.Run}, resetRun.settled)
	if err != nil {
		return canceling{}, err
	}
	done := canceling{Result: isAsked, Run: r, Named: named}
	switch {
	case r.State == string(statemachine.StateCanceled):
		done.Result = wasCanceled
	case r.settled():
		done = over(r)
	case r.story.changing:
		done.Result = isTooLate
	}
	done.Next, err = d.next(ctx, r)
	return done, err
}

// sendCancel reports whether the audit log will have the operator's name. A run that was
// filled with signals takes Temporal's own cancellation only, which carries none.
func (d *desk) sendCancel(ctx context.Context, r resetRun, operator string) (named bool, err error) {
	caller := workflow.Caller{AccountKey: workflow.AccountKey(r.Workflow), Operator: operator, Run: r.Run}
	err = d.SignalWorkflow(ctx, r.Workflow, r.Run, workflow.DisownSignal, caller)
	if named = err == nil; starter.SignalsFull(err) {
		err = d.CancelWorkflow(ctx, r.Workflow, r.Run)
	}
	if errors.As(err, new(*serviceerror.NotFound)) { // it has ended meanwhile
		return false, nil
	}
	return named, err
}

// settled reports that the password question of a run is decided.
func (r resetRun) settled() bool {
	switch statemachine.State(r.State) {
	case statemachine.StateRequested, statemachine.StateAwaitingToken, statemachine.StateTokenSubmitted:
		return !r.Open
	case statemachine.StatePasswordChanged, statemachine.StateCompleted, statemachine.StateExpired,
		statemachine.StateCanceled, statemachine.StateRefused:
	}
	return true // also what was ended from outside
}

// over says what there is to say of a run that a cancel changes nothing about.
func over(r resetRun) canceling {
	switch statemachine.State(r.State) {
	case statemachine.StatePasswordChanged, statemachine.StateCompleted:
		return canceling{Result: isTooLate, Run: r}
	case statemachine.StateRequested, statemachine.StateAwaitingToken, statemachine.StateTokenSubmitted,
		statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused:
	}
	return canceling{Result: wasOver, Run: r}
}

// next is the run of the account that is open beside one.
func (d *desk) next(ctx context.Context, r resetRun) (string, error) {
	newest, err := d.find(ctx, target{workflowID: r.Workflow})
	if err != nil || newest.Run == r.Run || !newest.Open {
		return "", err
	}
	return newest.Run, nil
}

// lookUntil reads a run until it is as wanted, or until a worker has had time enough.
func (d *desk) lookUntil(ctx context.Context, t target, is func(resetRun) bool) (resetRun, error) {
	again := time.NewTicker(effectLook)
	defer again.Stop()
	for late := time.After(effectWait); ; {
		r, err := d.find(ctx, t)
		if err != nil || is(r) {
			return r, err
		}
		select {
		case <-again.C:
		case <-late:
			return r, nil
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}

func (c canceling) write(p *process, asJSON bool) error {
	if asJSON {
		if err := writeJSON(p.stdout, c); err != nil {
			return err
		}
	} else if c.Result != isTooLate {
		fmt.Fprintln(p.stdout, c.text())
	}
	if c.Result == isTooLate {
		return refusal(c.text())
	}
	return nil
}

func (c canceling) text() string {
	var text string
	switch c.Result {
	case wasCanceled:
		text = "canceled: no link of run " + c.Run.Run + " works any more"
		if !c.Named {
			text += "; it takes no more signals, so the audit log says \"in Temporal\" in place of your name"
		}
	case wasOver:
		text = fmt.Sprintf("already over: run %s is %s", c.Run.Run, c.Run.State)
	case isAsked:
		text = "asked for: run " + c.Run.Run + " is canceled as soon as a worker is there"
	default:
		text = fmt.Sprintf("too late: run %s is %s, its password counts; `rekey find` shows what becomes of it", c.Run.Run, c.Run.State)
	}
	if c.Next != "" {
		text += "; somebody has asked again: run " + c.Next + " is another reset"
	}
	return text
}
