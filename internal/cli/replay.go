package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/workflow"
)

// replayCmd is `rekey replay`.
type replayCmd struct {
	Keys       string        `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json)."`
	Since      time.Duration `default:"24h" env:"REKEY_REPLAY_SINCE" help:"Replay open runs, and runs that began within this time."`
	WorkflowID string        `name:"workflow-id" env:"REKEY_REPLAY_WORKFLOW_ID" help:"Replay all runs of this workflow ID instead."`
	Parallel   int           `default:"8" env:"REKEY_REPLAY_PARALLEL" help:"Runs to download and replay at once."`
	jsonFlag

	open bool // open runs only
}

// Help has more text than fits beside the command's name.
func (*replayCmd) Help() string {
	return `Each history is downloaded and replayed in memory. Nothing in Temporal changes and no activity runs.

A history fits if this build takes the same steps in the same order, and passes and reads the same values. A field that
the history lacks is new and allowed. Another timeout, retry policy or task queue of an activity is a warning.

Exit status: 0, this build can continue all runs, with or without warnings; 1, some runs diverge: do not deploy this build;
2, some or all runs are unchecked: Temporal is unreachable, a key is missing, or histories are damaged or gone.`
}

// Run replays and writes the report.
func (c *replayCmd) Run(p *process) error {
	r, err := c.report(p)
	if r == nil {
		return unchecked(err)
	}
	wrote := r.write(p.stdout, c.JSON)
	return errors.Join(r.verdict(err), wrote)
}

func (c *replayCmd) check() error {
	switch {
	case c.Since <= 0:
		return fmt.Errorf("--since ($REKEY_REPLAY_SINCE): want more than 0, not %s", c.Since)
	case c.Parallel < 1:
		return fmt.Errorf("--parallel ($REKEY_REPLAY_PARALLEL): want 1 or more, not %d", c.Parallel)
	case strings.ContainsAny(c.WorkflowID, `'"\`):
		return errors.New(`--workflow-id ($REKEY_REPLAY_WORKFLOW_ID): want one without quotes, such as reset/…`)
	default:
		return nil
	}
}

// report is nil if nothing could be replayed. Otherwise the error is the reason why the replay
// ended early.
func (c *replayCmd) report(p *process) (*report, error) {
	replayer, err := p.replayer(c.Keys)
	if err != nil {
		return nil, err
	}
	temporal, namespace, err := p.dial(p.ctx)
	if err != nil {
		return nil, err
	}
	defer temporal.Close()
	now := time.Now()
	found := runs{temporal, c.query(now, p.queue)}
	total, err := found.count(p.ctx)
	if err != nil {
		return nil, err
	}
	r := newReport(namespace, c.scope(now))
	r.wanted = c.WorkflowID != ""
	return r, r.fill(p.ctx, found, replayer, c.Parallel, p.meter(total))
}

// replayer replays with the workflows and the payload codec that the worker has.
func (p *process) replayer(dir string) (*replay.Replayer, error) {
	codec, err := p.keys(dir).Payload()
	if err != nil {
		return nil, err
	}
	converter := keys.DataConverter(codec)
	return replay.New(replay.Config{
		Workflows: workflow.Workflows(), Values: workflow.Values(),
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), Codec: codec, Encoded: keys.IsSealed,
	})
}

// query asks Temporal's visibility store for the runs.
func (c *replayCmd) query(now time.Time, queue string) string {
	which := flow.OpenRuns
	if !c.open {
		which = fmt.Sprintf("(%s OR StartTime >= '%s')", flow.OpenRuns, c.began(now))
	}
	if c.WorkflowID != "" {
		which = fmt.Sprintf("WorkflowId = '%s'", c.WorkflowID)
	}
	types := slices.Sorted(maps.Keys(workflow.Workflows()))
	return flow.OfType(types...) + " AND " + flow.InQueue(queue) + " AND " + which
}

// scope is query in words.
func (c *replayCmd) scope(now time.Time) string {
	if c.WorkflowID != "" {
		return "of this workflow ID"
	}
	return "of rekey that is open or began after " + c.began(now)
}

func (c *replayCmd) began(now time.Time) string { return now.Add(-c.Since).UTC().Format(time.RFC3339) }
