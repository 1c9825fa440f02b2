package workflow

import (
	"cmp"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// These numbers are history: timers, inputs or the end of a run depend on them.
const (
	// pageSize is the most accounts of a page. A page is some 50 kB then.
	pageSize = 500
	// pageHours is how long the accounts of a page are forced for at most. They are read again when
	// the page has become old: they may have changed, and the store executes no order that is
	// older than [flow.ApplyWithin].
	pageHours, pageOld = time.Hour, 2 * time.Hour
	// childrenOfRun is after how many children another run goes on. Temporal allows 2,000 open
	// children (limit.numPendingChildExecutions), and a child has some nine events there at most.
	childrenOfRun = 1_000
	// listPause is the pause before accounts are asked for again because a result names another run.
	listPause = 10 * time.Second
)

// campaign is a campaign in progress.
type campaign struct {
	in       Campaign
	id       string // run ID
	original string // run ID before any workflow reset
	state    CampaignState
	refused  string
	stopped  bool        // by a command
	canceled func() bool // in Temporal
	ended    time.Time
	children int    // that this run has begun
	size     int    // most accounts of the page in progress; 0 between pages
	again    bool   // that page was read more than once
	last     string // ID of the account of that page that was begun last
}

// ForceAll begins a forced reset for each account, or each one of a list, at a rate. It waits for the
// start of a reset and not for its end. Each run hands over to the next one between two pages.
func ForceAll(ctx workflow.Context, in Campaign) (Progress, error) {
	c, err := beginCampaign(ctx, in)
	if err != nil {
		return Progress{}, err
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	if next := c.walk(detached); next != nil {
		return Progress{}, workflow.NewContinueAsNewErrorWithOptions(detached, workflow.ContinueAsNewErrorOptions{
			InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade,
		}, ForceAll, *next)
	}
	c.end(detached)
	finished := func() bool { return workflow.AllHandlersFinished(detached) }
	return c.progress(c.ended), workflow.Await(detached, finished)
}

// beginCampaign judges the input. Anybody with access to the namespace can copy a sealed one. The
// input of the first run is good for a day, and the store executes each order once. That of a later
// run is good after the one run that wrote it.
func beginCampaign(ctx workflow.Context, in Campaign) (*campaign, error) {
	info, now := workflow.GetInfo(ctx), workflow.Now(ctx)
	first := in.Follows == "" && now.Sub(in.At) <= flow.ApplyWithin
	follows := in.Follows != "" && in.Follows == info.ContinuedExecutionRunID
	if info.WorkflowExecution.ID != ForceAllID(info.TaskQueueName) || in.Name == "" || !ValidRate(in.Rate) || !first && !follows {
		return nil, temporal.NewNonRetryableApplicationError("the input belongs to another campaign", "foreign_input", nil)
	}
	c := &campaign{
		in: in, state: CampaignRuns, id: info.WorkflowExecution.RunID,
		original: cmp.Or(info.OriginalRunID, info.WorkflowExecution.RunID),
		canceled: func() bool { return ctx.Err() != nil },
	}
	if c.in.Began.IsZero() {
		c.in.Began, c.in.Batch = now, now
	}
	return c, c.listen(ctx)
}

// walk forces page after page. It returns the input of the next run, nil when there is none.
func (c *campaign) walk(ctx workflow.Context) *Campaign {
	if c.in.Follows == "" {
		c.count(ctx)
	}
	c.show(ctx)
	for !c.over() && !c.in.DryRun {
		if page := c.page(ctx); page != nil && c.force(ctx, page) {
			c.turnPage(ctx, page)
			if page.Last {
				return nil
			}
		}
		if c.over() {
			return nil
		}
		if info := workflow.GetInfo(ctx); c.children >= childrenOfRun || info.GetContinueAsNewSuggested() {
			next := c.in
			next.Follows = c.id
			return &next
		}
	}
	return nil
}

// over reports that no further account is forced.
func (c *campaign) over() bool {
	return c.stopped || c.canceled() || c.refused != "" || !c.ended.IsZero()
}

// count finds the total. That of a list is known, unless the list is only to be tried.
func (c *campaign) count(ctx workflow.Context) {
	if c.in.List && !c.in.DryRun {
		c.in.Counts.Total = len(c.in.Addresses)
		return
	}
	c.state = CampaignCounts
	c.show(ctx)
	l := Listing{Run: c.original, Sender: c.id, After: c.in.After, Addresses: c.in.Addresses}
	page := c.ask(listOptions(ctx, "count the accounts"), CountAccounts, l)
	c.state = CampaignRuns
	if page != nil {
		c.in.Counts.Total, c.refused = page.Total, page.Refused
		if c.in.DryRun {
			c.in.Counts.Unfit = page.Unfit
		}
	}
}

// page reads the page in progress, when the campaign is not paused. It is nil when the campaign is
// over. The accounts that were begun are left out.
func (c *campaign) page(ctx workflow.Context) *Page {
	if c.wait(ctx); c.over() {
		return nil
	}
	c.in.Pages++
	c.again = c.size != 0
	if !c.again {
		c.size = c.pageLimit()
	}
	l := Listing{Run: c.original, Sender: c.id, Number: c.in.Pages, After: c.in.After, Limit: c.size}
	if c.in.List {
		c.size = min(c.size, len(c.in.Addresses))
		l.Addresses = c.in.Addresses[:c.size]
	}
	page := c.ask(listOptions(ctx, "read a page of accounts"), ListAccounts, l)
	if page == nil {
		return nil
	}
	if workflow.Now(ctx).Sub(page.At) > pageOld && page.Refused == "" { // the clock of its worker is wrong
		c.pause(ctx)
		return nil
	}
	if c.in.List {
		page.Last = len(l.Addresses) == len(c.in.Addresses)
	}
	c.refused = page.Refused
	page.Accounts = slices.DeleteFunc(page.Accounts, func(a Forced) bool { return slices.Contains(c.in.Begun, a.Key) })
	all := len(page.Accounts)
	page.Accounts = distinct(page.Accounts)
	page.Unfit += all - len(page.Accounts)
	return page
}

// distinct leaves out all but the first account of an address, which have one run together.
func distinct(accounts []Forced) []Forced {
	known := map[string]bool{}
	return slices.DeleteFunc(accounts, func(a Forced) bool {
		again := known[a.Key]
		known[a.Key] = true
		return again
	})
}

// ask repeats an activity until its result names the listing: every client of the namespace can
// complete an activity. It is nil when the campaign is over before.
func (c *campaign) ask(ctx workflow.Context, activity string, l Listing) *Page {
	ctx, stop := workflow.WithCancel(ctx)
	defer stop()
	for {
		answer := workflow.ExecuteActivity(ctx, activity, l)
		if workflow.Await(ctx, func() bool { return answer.IsReady() || c.over() }) != nil || c.over() {
			return nil
		}
		var page Page
		if answer.Get(ctx, &page) == nil && page.Of == l.Name() {
			return &page
		}
		if c.pause(ctx); c.over() {
			return nil
		}
	}
}

// pause is the time before accounts are asked for again. It ends with the campaign.
func (c *campaign) pause(ctx workflow.Context) {
	_, _ = workflow.AwaitWithTimeout(ctx, listPause, c.over) // a context that ends is the end of the campaign
}

// force begins the accounts of a page at the rate. It is false when the campaign is over before, or
// the page has become old.
func (c *campaign) force(ctx workflow.Context, page *Page) bool {
	for len(page.Accounts) > 0 {
		n := min(c.turn(ctx), len(page.Accounts))
		if c.over() || workflow.Now(ctx).Sub(page.At) > pageOld {
			return false
		}
		c.spend(ctx, n)
		c.begin(ctx, page.Accounts[:n], page.At)
		page.Accounts = page.Accounts[n:]
		c.show(ctx)
	}
	return !c.over()
}

// begin starts the runs of accounts, and waits until each of them is started. They outlive the
// campaign. An open forced reset of an account ends: its owner may have chosen a password since.
func (c *campaign) begin(ctx workflow.Context, accounts []Forced, at time.Time) {
	starts := make([]workflow.Future, len(accounts))
	for i, a := range accounts {
		starts[i] = workflow.ExecuteChildWorkflow(childOptions(ctx, a), ForceReset.Name, flow.Request{
			Address: a.Address, AccountKey: a.Key, LinkLife: c.in.LinkLife, MailPause: c.in.MailPause,
			Operator: c.in.Operator, Note: c.in.Reason, Flow: ForceReset.Mark(),
			Order: c.in.Name + "/" + a.Key, At: at,
		}).GetChildWorkflowExecution()
		c.in.Begun, c.last = append(c.in.Begun, a.Key), a.ID
	}
	before := c.in.Counts
	for _, start := range starts {
		if start.Get(ctx, nil) == nil {
			c.in.Counts.Started++
		} else {
			c.in.Counts.Failed++
		}
	}
	c.children += len(accounts)
	c.measure(ctx, before)
}

// turnPage notes that all accounts of a page are begun. A page that was read again may have moved:
// accounts that came since push others to the next page.
func (c *campaign) turnPage(ctx workflow.Context, page *Page) {
	before := c.in.Counts
	c.in.Counts.Unfit += page.Unfit
	c.measure(ctx, before)
	if !c.again {
		c.in.Begun = nil
	}
	if c.in.List {
		c.in.Addresses = c.in.Addresses[c.size:]
	} else {
		c.in.After = cmp.Or(page.Next, c.in.After)
	}
	c.size, c.last = 0, ""
	c.show(ctx)
}

// end settles the state.
func (c *campaign) end(ctx workflow.Context) {
	switch {
	case c.refused != "":
		c.state = CampaignRefused
	case c.stopped || c.canceled():
		c.state = CampaignCanceled
	default:
		c.state = CampaignCompleted
	}
	c.ended = workflow.Now(ctx)
	c.show(ctx)
}

// childOptions are those of every start of a forced reset. The end of the campaign's run ends no child.
func childOptions(ctx workflow.Context, a Forced) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            ForceReset.ID(a.Key),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING, //nolint:staticcheck // a child has no conflict policy
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		StaticSummary:         ForceReset.Summary,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			flow.StateAttribute.ValueSet(string(statemachine.StateRequested))),
	})
}

// listOptions retry until the store answers. An attempt lasts as long as its worker sends heartbeats.
func listOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    3 * flow.Heartbeat,
		RetryPolicy:         &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             summary,
	})
}
