package workflow_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// crowd is a campaign in simulated time, over all its runs. The test plays the store and the forced
// resets.
type crowd struct {
	t    *testing.T
	in   workflow.Campaign
	size int // accounts of the store

	list  func(n int, l workflow.Listing) any                      // nil is the store's page; counts from 1
	child func(ctx sdk.Context, in flow.Request) error             // nil ends at once
	plan  func(c *crowd, run int)                                  // before each run
	data  converter.DataConverter                                  // of all values
	env   *testsuite.TestWorkflowEnvironment                       // of the run in progress
	now   time.Time                                                // between two runs
	start func(in workflow.Campaign, follows string) (any, string) // what a run begins with; nil changes nothing

	mu    sync.Mutex
	began []time.Time // of forced resets, in order
	// light counts the forced resets by account, and plays them without an environment; nil does not.
	light    []uint8
	forced   map[string]int // by account key
	requests []flow.Request
	listed   []workflow.Listing
	counted  []workflow.Listing
	misnamed string // a workflow ID that is not that of its account
	options  []sdk.ChildWorkflowOptions
	runs     int
	total    int // of forced resets
	most     int // of one run
	handed   int // most bytes that a run handed over
	meter    meter
}

func newCrowd(t *testing.T, size int, rate float64) *crowd {
	t.Helper()
	return &crowd{
		t: t, size: size, data: sealed(), now: started, forced: map[string]int{}, meter: newMeter(),
		in: workflow.Campaign{
			Name: "LEAK", At: started, Operator: "a.smith", Reason: "a leak", Rate: rate,
			LinkLife: 24 * time.Hour, MailPause: coolDown,
		},
	}
}

// keyOf is the account key of the n-th account, which has it as its ID too.
func keyOf(n int) string { return fmt.Sprintf("%032d", n) }

func addressOf(n int) string { return "user" + strconv.Itoa(n) + "@example.com" }

// page is what the store has after an account.
func (c *crowd) page(l workflow.Listing) workflow.Page {
	p := workflow.Page{Of: l.Name(), At: c.env.Now(), Next: l.After}
	for _, a := range l.Addresses {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(a, "user"), "@example.com"))
		if err != nil {
			p.Unfit++
			continue
		}
		p.Accounts = append(p.Accounts, workflow.Forced{Key: keyOf(n), Address: a})
	}
	if len(l.Addresses) > 0 {
		return p
	}
	first, _ := strconv.Atoi(l.After)
	for n := first + 1; n <= min(first+l.Limit, c.size); n++ {
		p.Accounts, p.Next = append(p.Accounts, workflow.Forced{Key: keyOf(n), ID: keyOf(n), Address: addressOf(n)}), keyOf(n)
	}
	p.Last = len(p.Accounts) == 0
	return p
}

// prepare makes the environment of the next run.
func (c *crowd) prepare() {
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	suite.SetMetricsHandler(c.meter)
	c.env = suite.NewTestWorkflowEnvironment()
	c.env.SetStartTime(c.now)
	c.env.SetTestTimeout(time.Minute)
	c.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: workflow.ForceAllID(flow.TaskQueue), TaskQueue: flow.TaskQueue})
	c.env.SetDataConverter(postbox{c.data})
	c.env.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: flow.DeadlockAfter,
		Interceptors:             []interceptor.WorkerInterceptor{&children{of: c}},
	})
	c.env.RegisterWorkflowWithOptions(workflow.ForceAll, sdk.RegisterOptions{Name: workflow.ForceAllName})
	c.env.RegisterWorkflowWithOptions(c.reset, sdk.RegisterOptions{Name: workflow.ForceReset.Name})
	as := func(name string, f any) { c.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	as(workflow.ListAccounts, func(ctx context.Context, l workflow.Listing) (workflow.Page, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.listed = append(c.listed, l)
		if c.list != nil {
			if answer := c.list(len(c.listed), l); answer != nil {
				return workflow.Page{}, c.later(ctx, answer)
			}
		}
		return c.page(l), nil
	})
	as(workflow.CountAccounts, func(_ context.Context, l workflow.Listing) (workflow.Page, error) {
		c.counted = append(c.counted, l)
		p := workflow.Page{Of: l.Name(), Total: c.size}
		if len(l.Addresses) > 0 {
			listed := c.page(l)
			p.Total, p.Unfit = len(listed.Accounts), listed.Unfit
		}
		return p, nil
	})
}

// later completes an activity from outside, as every client of Temporal can.
func (c *crowd) later(ctx context.Context, answer any) error {
	token, after := activity.GetInfo(ctx).TaskToken, time.Duration(0)
	if late, ok := answer.(delayed); ok {
		answer, after = late.page, late.after
	}
	failure, _ := answer.(error)
	c.env.RegisterDelayedCallback(func() {
		if err := c.env.CompleteActivity(token, answer, failure); err != nil {
			c.t.Error(err)
		}
	}, after)
	return activity.ErrResultPending
}

// delayed is a page that takes its time.
type delayed struct {
	page  workflow.Page
	after time.Duration
}

// reset is the forced reset of an account.
func (c *crowd) reset(ctx sdk.Context, in flow.Request) error {
	c.mu.Lock()
	c.forced[in.AccountKey]++
	c.total++
	c.began = append(c.began, sdk.Now(ctx))
	c.requests = append(c.requests, in)
	if id := sdk.GetInfo(ctx).WorkflowExecution.ID; id != "forced-reset/"+in.AccountKey {
		c.misnamed = id
	}
	c.mu.Unlock()
	if c.child == nil {
		return nil
	}
	return c.child(ctx, in)
}

// run tells a campaign to its end, over all of its runs.
func (c *crowd) run() (p workflow.Progress, err error) {
	c.t.Helper()
	in, follows := c.in, ""
	for {
		c.prepare()
		c.runs++
		if c.plan != nil {
			c.plan(c, c.runs)
		}
		var input any = in
		if c.start != nil {
			input, follows = c.start(in, follows)
		}
		c.env.SetContinuedExecutionRunID(follows)
		before := c.total
		c.env.ExecuteWorkflow(workflow.ForceAllName, input)
		c.most = max(c.most, c.total-before)
		c.now = c.env.Now()
		var next *sdk.ContinueAsNewError
		if err := c.env.GetWorkflowError(); !errors.As(err, &next) {
			if err == nil {
				err = c.env.GetWorkflowResult(&p)
			}
			return p, err
		}
		in, follows = workflow.Campaign{}, sender
		c.handed = max(c.handed, len(next.Input.GetPayloads()[0].GetData()))
		if err := c.data.FromPayloads(next.Input, &in); err != nil {
			return p, err
		}
	}
}

// end wants a campaign that ends well.
func (c *crowd) end() workflow.Progress {
	c.t.Helper()
	p, err := c.run()
	if err != nil {
		c.t.Fatal(err)
	}
	diff(c.t, "workflow ID of another account", c.misnamed, "")
	return p
}

// once checks that accounts were forced once each, and no other one.
func (c *crowd) once(first, last int) {
	c.t.Helper()
	for n := first; n <= last; n++ {
		if c.forced[keyOf(n)] != 1 {
			c.t.Fatalf("account %d was forced %d times", n, c.forced[keyOf(n)])
		}
	}
	if want := last - first + 1; len(c.forced) != want {
		c.t.Errorf("%d accounts were forced, want %d", len(c.forced), want)
	}
}

// at gives a command when the run is so old. The number is that of the command.
func (c *crowd) at(age time.Duration, do string, number int, rate float64) {
	c.command(age, do, workflow.Command{Campaign: "LEAK", Number: number, Do: do, Operator: "b.jones", Rate: rate}, nil)
}

// command gives any command. The test wants it accepted, unless it takes the refusal.
func (c *crowd) command(age time.Duration, name string, argument any, refused func(error)) {
	c.env.RegisterDelayedCallback(func() {
		c.env.UpdateWorkflow(name, fmt.Sprintf("%s-%s-%p", name, age, &argument), &testsuite.TestUpdateCallback{
			OnReject: func(err error) {
				if refused == nil {
					c.t.Errorf("%s after %s: %v", name, age, err)
					return
				}
				refused(err)
			},
			OnAccept: func() {
				if refused != nil {
					c.t.Errorf("%s after %s is accepted", name, age)
				}
			},
			OnComplete: func(_ any, err error) {
				if err != nil && refused == nil {
					c.t.Errorf("%s after %s: %v", name, age, err)
				}
			},
		}, argument)
	}, age)
}

func (c *crowd) progress() (p workflow.Progress) {
	c.t.Helper()
	answer, err := c.env.QueryWorkflow(workflow.ProgressQuery)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := answer.Get(&p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// Each account is forced once, page by page, over several runs. A run has few enough of them.
func TestForceAll(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2_750, 100)
	p := c.end()
	c.once(1, 2_750)
	diff(t, "counts", p.Counts, workflow.Counts{Total: 2_750, Started: 2_750})
	diff(t, "state", p.State, workflow.CampaignCompleted)
	diff(t, "runs", c.runs, 3)
	diff(t, "most resets of a run", c.most, 1_000)
	diff(t, "counted once", c.counted, []workflow.Listing{{Run: sender, Sender: sender}})
	var after []string
	for i, l := range c.listed {
		diff(t, "number", l.Number, i+1)
		after = append(after, strings.TrimLeft(l.After, "0"))
	}
	diff(t, "pages", after, []string{"", "500", "1000", "1500", "2000", "2500", "2750"})
	one := slices.IndexFunc(c.requests, func(r flow.Request) bool { return r.AccountKey == keyOf(1) }) // children begin in any order
	diff(t, "request", c.requests[one], flow.Request{
		Address: addressOf(1), AccountKey: keyOf(1), LinkLife: 24 * time.Hour, MailPause: coolDown,
		Operator: "a.smith", Note: "a leak", Flow: "forced-reset", Order: "LEAK/" + keyOf(1), At: started,
	})
	diff(t, "metric", c.meter.total["rekey_forced_resets started"], int64(2_750))
}

// A list is walked like all accounts. Addresses without an account to force are counted.
func TestForceAList(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 0, 100)
	c.in.List = true
	for n := range 1_300 {
		c.in.Addresses = append(c.in.Addresses, addressOf(n+1))
	}
	c.in.Addresses[7] = "nobody@example.com"
	p := c.end()
	diff(t, "counts", p.Counts, workflow.Counts{Total: 1_300, Started: 1_299, Unfit: 1})
	diff(t, "left", p.Left, 0)
	diff(t, "forced", len(c.forced), 1_299)
	diff(t, "counted", len(c.counted), 0)
	diff(t, "pages", len(c.listed), 3)
}

// A dry run counts, and forces nobody.
func TestDryRun(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2_000, 100)
	c.in.DryRun = true
	p := c.end()
	diff(t, "counts", p.Counts, workflow.Counts{Total: 2_000})
	diff(t, "calls", len(c.forced)+len(c.listed), 0)
	c = newCrowd(t, 0, 100)
	c.in.DryRun, c.in.List, c.in.Addresses = true, true, []string{addressOf(1), "nobody@example.com"}
	diff(t, "counts of a list", c.end().Counts, workflow.Counts{Total: 1, Unfit: 1})
	diff(t, "forced", len(c.forced), 0)
}

// pace checks that accounts came at a rate: over the whole within 5 %, and in each window of ten
// seconds no more than the rate and what may be made up.
func (c *crowd) pace(rate float64, began []time.Time) {
	c.t.Helper()
	if len(began) < 2 {
		c.t.Fatal("nobody was forced")
	}
	end := began[len(began)-1] // the last batch may be a small one
	n, _ := slices.BinarySearchFunc(began, end, time.Time.Compare)
	if got := float64(n) / end.Sub(began[0]).Seconds(); got < rate*0.95 || got > rate*1.05 {
		c.t.Errorf("%.3f a second, want %.3f", got, rate)
	}
	c.bounded(rate, began)
}

func (c *crowd) bounded(rate float64, began []time.Time) {
	c.t.Helper()
	const window = 10 * time.Second
	end := 0
	for i, at := range began {
		for end < len(began) && began[end].Before(at.Add(window)) {
			end++
		}
		if most := rate*(window+2*time.Second).Seconds() + 1; float64(end-i) > most {
			c.t.Fatalf("%d accounts within 10 s from %s, want %.0f at most", end-i, at, most)
		}
	}
}

// The rate is kept in simulated time, also when the store takes its time.
func TestRate(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.01, 0.3, 0.9, 3, 50, 260, 333, 450, workflow.MaxRate} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, max(200, int(20*rate)), rate)
			c.list = func(_ int, l workflow.Listing) any { return delayed{c.page(l), 300 * time.Millisecond} }
			c.end()
			c.pace(rate, c.began)
			c.once(1, c.size)
		})
	}
}

// A new rate holds at once, also when the next account was due much later.
func TestRateOfASlowCampaign(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 100, workflow.MinRate)
	c.plan = func(c *crowd, run int) {
		if run == 1 {
			c.at(time.Minute, workflow.RateUpdate, 1, 10)
		}
	}
	p := c.end()
	c.once(1, 100)
	if took := p.Ends.Sub(started); took > 2*time.Minute {
		t.Errorf("it took %s", took)
	}
	c.bounded(10, c.began)
}

// Each command works, between two batches and with the next one.
func TestCommands(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1_000, 10)
	c.plan = func(c *crowd, run int) {
		if run > 1 {
			return
		}
		c.at(10*time.Second+time.Millisecond, workflow.PauseUpdate, 1, 0)
		c.env.RegisterDelayedCallback(func() {
			p := c.progress()
			diff(t, "state", p.State, workflow.CampaignPaused)
			diff(t, "started", p.Counts.Started, 100)
			diff(t, "left", p.Left, 900)
		}, time.Hour)
		c.at(2*time.Hour, workflow.ResumeUpdate, 2, 0)
		c.at(2*time.Hour+10*time.Second+time.Millisecond, workflow.RateUpdate, 3, 20)
		c.at(2*time.Hour+20*time.Second+500*time.Millisecond, workflow.CancelUpdate, 4, 0)
	}
	p := c.end()
	diff(t, "state", p.State, workflow.CampaignCanceled)
	diff(t, "counts", p.Counts, workflow.Counts{Total: 1_000, Started: 400, Failed: 0})
	diff(t, "commands", p.Commands, 4)
	diff(t, "end", p.Ends, started.Add(2*time.Hour+20*time.Second+500*time.Millisecond))
	c.once(1, 400)
	c.bounded(20, c.began)
	for _, at := range c.began {
		if age := at.Sub(started); age > 10*time.Second+time.Millisecond && age < 2*time.Hour {
			t.Fatalf("an account was forced after %s, during the pause", age)
		}
	}
}

// A command works at each point: before the total is known, while a page is read, and between pages.
// Temporal's own cancellation is a cancel.
func TestCancelAtEachPoint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		list   func(int, workflow.Listing) any
		at     time.Duration
		forced int
	}{
		"at the start":            {nil, 0, 0},
		"while the store is away": {func(int, workflow.Listing) any { return errStranger }, time.Minute, 0},
		"while a page is read": {func(_ int, l workflow.Listing) any {
			return delayed{workflow.Page{Of: l.Name()}, 100 * time.Hour}
		}, time.Minute, 0},
		"during a page": {nil, 5*time.Second + 1, 50},
		"before the second page": {func(n int, _ workflow.Listing) any {
			if n == 1 {
				return nil
			}
			return errStranger
		}, 70 * time.Second, 500},
	} {
		for _, by := range []string{"command", "Temporal", "pause"} {
			t.Run(name+", "+by, func(t *testing.T) {
				t.Parallel()
				c := newCrowd(t, 1_000, 10)
				c.list = tc.list
				c.plan = func(c *crowd, _ int) {
					switch by {
					case "command":
						c.at(tc.at, workflow.CancelUpdate, 1, 0)
					case "pause":
						c.at(tc.at, workflow.PauseUpdate, 1, 0)
						c.at(tc.at+time.Hour, workflow.CancelUpdate, 2, 0)
					default:
						c.env.RegisterDelayedCallback(c.env.CancelWorkflow, tc.at)
					}
				}
				p := c.end()
				diff(t, "state", p.State, workflow.CampaignCanceled)
				diff(t, "forced", len(c.forced), tc.forced)
				at := started.Add(tc.at)
				if by == "pause" {
					at = at.Add(time.Hour)
				}
				diff(t, "end", p.Ends, at)
			})
		}
	}
}

// security 27: a command that is not sealed, was given before, is for another campaign or wants too much counts
// for nothing. It leaves nothing in the history.
func TestStrangersCommands(t *testing.T) {
	t.Parallel()
	good := workflow.Command{Campaign: "LEAK", Number: 1, Do: workflow.CancelUpdate, Operator: "b.jones"}
	with := func(f func(*workflow.Command)) workflow.Command {
		bad := good
		f(&bad)
		return bad
	}
	for name, tc := range map[string]struct {
		update   string
		argument any
	}{
		"in clear":            {workflow.CancelUpdate, inClear(good)},
		"another campaign's":  {workflow.CancelUpdate, with(func(c *workflow.Command) { c.Campaign = "OTHER" })},
		"another command":     {workflow.CancelUpdate, with(func(c *workflow.Command) { c.Do = workflow.PauseUpdate })},
		"of a later place":    {workflow.CancelUpdate, with(func(c *workflow.Command) { c.Number = 2 })},
		"of an earlier place": {workflow.CancelUpdate, with(func(c *workflow.Command) { c.Number = 0 })},
		"no rate":             {workflow.RateUpdate, with(func(c *workflow.Command) { c.Do = workflow.RateUpdate })},
		"too fast": {workflow.RateUpdate, with(func(c *workflow.Command) {
			c.Do, c.Rate = workflow.RateUpdate, workflow.MaxRate+1
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, 100, 10)
			refused := false
			c.plan = func(c *crowd, _ int) {
				c.command(5*time.Second, tc.update, tc.argument, func(error) { refused = true })
			}
			p := c.end()
			diff(t, "state", p.State, workflow.CampaignCompleted)
			diff(t, "commands", p.Commands, 0)
			if !refused {
				t.Error("the command is accepted")
			}
		})
	}
	c := newCrowd(t, 100, 10)
	c.plan = func(c *crowd, _ int) {
		c.at(time.Second, workflow.PauseUpdate, 1, 0)
		c.at(2*time.Second, workflow.ResumeUpdate, 2, 0)
		again := workflow.Command{Campaign: "LEAK", Number: 1, Do: workflow.PauseUpdate, Operator: "b.jones"}
		c.command(3*time.Second, workflow.PauseUpdate, again, func(error) {})
	}
	diff(t, "state", c.end().State, workflow.CampaignCompleted)
}

// security 27: a page of another run, of another listing, in clear or none at all is asked for again.
func TestForeignPages(t *testing.T) {
	t.Parallel()
	foreign := []workflow.Forced{{Key: keyOf(666), Address: addressOf(666)}}
	for name, answer := range map[string]any{
		"of another run":  workflow.Page{Of: "another run/1", Accounts: foreign, Last: true},
		"of another page": workflow.Page{Of: sender + "/2", Accounts: foreign, Last: true},
		"of none":         workflow.Page{Accounts: foreign, Last: true},
		"in clear":        inClear(workflow.Page{Of: sender + "/1", Accounts: foreign, Last: true}),
		"nothing":         inClear(nil),
		"a failure":       errStranger,
		"a cancellation":  temporal.NewCanceledError(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, 20, 10)
			c.list = func(n int, _ workflow.Listing) any {
				if n <= 2 {
					return answer
				}
				return nil
			}
			diff(t, "counts", c.end().Counts, workflow.Counts{Total: 20, Started: 20})
			c.once(1, 20)
			diff(t, "listings", len(c.listed), 4)
			diff(t, "the same one", c.listed[2], c.listed[0])
			if pause := c.began[0].Sub(started); pause < 20*time.Second {
				t.Errorf("it is asked again without a pause: %s", pause)
			}
		})
	}
}

// Two accounts of one address have one run, which the page has twice.
func TestAccountsOfOneAddress(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 30, 10)
	c.list = func(n int, l workflow.Listing) any {
		if n > 1 {
			return nil
		}
		p := c.page(l)
		p.Accounts = append(p.Accounts, p.Accounts[3])
		return p
	}
	p := c.end()
	diff(t, "counts", p.Counts, workflow.Counts{Total: 30, Started: 30, Unfit: 1})
	c.once(1, 30)
}

// Another campaign goes on behind the last account that a canceled one has begun.
func TestAfterIsBehindTheLastAccount(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1_000, 10)
	c.plan = func(c *crowd, _ int) { c.at(80*time.Second+500*time.Millisecond, workflow.CancelUpdate, 1, 0) }
	p := c.end()
	diff(t, "forced", len(c.forced), 800)
	c.plan, c.in.Name, c.in.After, c.in.At = nil, "AGAIN", p.After, c.now
	c.listed = nil
	c.end()
	twice := 0
	for _, n := range c.forced {
		if n > 1 {
			twice++
		}
	}
	diff(t, "accounts that were forced twice", twice, 0)
}

// A worker whose clock is hours behind makes pages that are old at once. The campaign asks for another
// one after a pause, and another run goes on when Temporal suggests it.
func TestOldPagesHavePauses(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 10, 10)
	const tries = 100
	var took time.Duration
	c.plan = func(c *crowd, run int) { c.env.SetContinueAsNewSuggested(run == 1) }
	c.list = func(n int, l workflow.Listing) any {
		if n > tries { // so that the test ends
			return nil
		}
		p := c.page(l)
		p.At = p.At.Add(-2*time.Hour - time.Minute)
		took = c.env.Now().Sub(started)
		return p
	}
	c.end()
	if len(c.listed) > tries && took < time.Minute {
		t.Errorf("%d pages within %s, and %d run", tries, took, c.runs)
	}
}

// An outage is not made up: the accounts go on at the rate.
func TestOutageIsNotMadeUp(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1_000, 10)
	c.list = func(n int, l workflow.Listing) any {
		if n != 2 {
			return nil
		}
		return delayed{c.page(l), time.Hour}
	}
	c.end()
	diff(t, "in the first second after it", c.within(time.Hour, time.Second+time.Hour+50*time.Second), 21)
	c.bounded(10, c.began)
	c.once(1, 1_000)
}

// within is the number of accounts that were forced at such an age of the campaign.
func (c *crowd) within(from, to time.Duration) (n int) {
	for _, at := range c.began {
		if age := at.Sub(started); from <= age && age < to {
			n++
		}
	}
	return n
}

// A page that has become old is read again: accounts may have changed, and orders have an age. No
// account is forced twice, also when others came before it meanwhile.
func TestOldPageIsReadAgain(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 700, 10)
	c.plan = func(c *crowd, run int) {
		if run == 1 {
			c.at(48*time.Second+500*time.Millisecond, workflow.PauseUpdate, 1, 0)
			c.at(72*time.Hour, workflow.ResumeUpdate, 2, 0)
		}
	}
	c.list = func(n int, l workflow.Listing) any {
		if n != 2 {
			return nil
		}
		p := c.page(l) // 40 accounts came to its begin, and push others that were begun to the next page
		p.Accounts, p.Next = p.Accounts[:460], keyOf(460)
		for n := range 40 {
			p.Accounts = append(p.Accounts, workflow.Forced{Key: keyOf(10_000 + n), Address: addressOf(10_000 + n)})
		}
		return p
	}
	p := c.end()
	diff(t, "started", p.Counts.Started, 740)
	diff(t, "after", c.listed[1].After, c.listed[0].After)
	for key, n := range c.forced {
		if n != 1 {
			t.Errorf("%s was forced %d times", key, n)
		}
	}
	for i, in := range c.requests {
		if age := c.began[i].Sub(in.At); age < 0 || age > 2*time.Hour {
			t.Fatalf("the order of account %d is %s old", i, age)
		}
	}
}

// A slow campaign reads small pages, so that they do not become old.
func TestSlowPages(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 10, 1.0/1800)
	c.end()
	diff(t, "limit", c.listed[0].Limit, 2)
	diff(t, "pages", len(c.listed), 6)
	c.once(1, 10)
}

// A run hands over all that the next one needs.
func TestContinueAsNewCarriesEverything(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 5_000, 100)
	var handed workflow.Campaign
	c.plan = func(c *crowd, run int) {
		if run == 1 {
			c.at(3*time.Second+1, workflow.RateUpdate, 1, 200)
		}
		if run == 2 {
			c.at(time.Second+1, workflow.PauseUpdate, 2, 0)
			c.at(time.Hour, workflow.ResumeUpdate, 3, 0)
		}
	}
	c.start = func(in workflow.Campaign, follows string) (any, string) {
		if c.runs == 2 {
			handed = in
		}
		return in, follows
	}
	p := c.end()
	c.once(1, 5_000)
	diff(t, "counts", p.Counts, workflow.Counts{Total: 5_000, Started: 5_000})
	diff(t, "began", p.Began, started)
	diff(t, "commands", p.Commands, 3)
	want := c.in
	want.Follows, want.Began, want.Rate, want.Commands, want.Pages = sender, started, 200, 1, 2
	want.After, want.Counts = keyOf(1_000), workflow.Counts{Total: 5_000, Started: 1_000}
	want.Batch, want.Credit = handed.Batch, handed.Credit
	diff(t, "handed over", handed, want)
	if handed.Batch.Before(started) {
		t.Error("the next run does not know when the last accounts were forced")
	}
	c.bounded(200, c.began)
}

// Temporal suggests to go on in another run when the history has grown.
func TestContinueAsNewWhenSuggested(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 500, 100)
	c.plan = func(c *crowd, run int) { c.env.SetContinueAsNewSuggested(run == 1) }
	c.end()
	diff(t, "runs", c.runs, 2)
	c.once(1, 500)
}

// A store that lists nothing ends the campaign with its reason.
func TestRefusedListing(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 100, 10)
	c.list = func(_ int, l workflow.Listing) any { return workflow.Page{Of: l.Name(), Refused: "no list"} }
	p := c.end()
	diff(t, "state", p.State, workflow.CampaignRefused)
	diff(t, "why", p.Refused, "no list")
	diff(t, "forced", len(c.forced), 0)
}

// security 27: anybody with access to the namespace can start a workflow with a sealed input of an
// earlier one. It begins nothing.
func TestForeignCampaign(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(workflow.Campaign) (any, string){
		"in clear": func(in workflow.Campaign) (any, string) { return inClear(in), "" },
		"old": func(in workflow.Campaign) (any, string) {
			in.At = started.Add(-24*time.Hour - time.Second)
			return in, ""
		},
		"of a later run, started by a client": func(in workflow.Campaign) (any, string) {
			in.Follows = "another"
			return in, ""
		},
		"of a later run of another chain": func(in workflow.Campaign) (any, string) {
			in.Follows = "another"
			return in, sender
		},
		"without a name": func(in workflow.Campaign) (any, string) { in.Name = ""; return in, "" },
		"without a rate": func(in workflow.Campaign) (any, string) { in.Rate = 0; return in, "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t, 100, 10)
			c.start = func(in workflow.Campaign, _ string) (any, string) { return bend(in) }
			if p, err := c.run(); err == nil || len(c.forced)+len(c.listed)+len(c.counted) > 0 {
				t.Errorf("it began: %+v, %v", p, err)
			}
		})
	}
	c := newCrowd(t, 100, 10)
	c.start = func(in workflow.Campaign, _ string) (any, string) { return in, "" }
	c.plan = func(c *crowd, _ int) {
		c.env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "another", TaskQueue: flow.TaskQueue})
	}
	if _, err := c.run(); err == nil {
		t.Error("it began under another workflow ID")
	}
}

// Temporal's UI shows the progress, and nothing of the reason or of an address.
func TestCampaignDetails(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 400, 10)
	c.plan = func(c *crowd, _ int) {
		c.env.RegisterDelayedCallback(func() {
			s := story{TestWorkflowEnvironment: c.env, t: t}
			got := s.details()
			for _, want := range []string{
				"`running`, 10 accounts a second, by a.smith",
				"`[##########------------------------------] 25 %`, 100 of 400, 300 left",
				"**Ends:** about 2026-01-02T03:04:45Z",
			} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in:\n%s", want, got)
				}
			}
			if strings.Contains(got, "leak") || strings.Contains(got, "@") {
				t.Errorf("the details have the reason or an address:\n%s", got)
			}
		}, 10*time.Second+500*time.Millisecond)
	}
	c.end()
}

// The end of the campaign ends no reset, and operators find it as any other.
func TestResetsAreAsAnyOther(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 1, 10)
	c.end()
	diff(t, "children", len(c.options), 1)
	o := c.options[0]
	diff(t, "parent close policy", o.ParentClosePolicy, enumspb.PARENT_CLOSE_POLICY_ABANDON)
	state, _ := o.TypedSearchAttributes.GetKeyword(flow.StateAttribute)
	diff(t, "state", state, "requested")
	diff(t, "summary", o.StaticSummary, flow.ForcedResetSummary)
}

// children sees the child workflows of a run.
type children struct {
	interceptor.WorkerInterceptorBase
	of *crowd
}

func (i *children) InterceptWorkflow(_ sdk.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &childrenIn{interceptor.WorkflowInboundInterceptorBase{Next: next}, i.of}
}

type childrenIn struct {
	interceptor.WorkflowInboundInterceptorBase
	of *crowd
}

func (i *childrenIn) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&childrenOut{interceptor.WorkflowOutboundInterceptorBase{Next: next}, i.of})
}

type childrenOut struct {
	interceptor.WorkflowOutboundInterceptorBase
	of *crowd
}

func (o *childrenOut) ExecuteChildWorkflow(ctx sdk.Context, name string, args ...any) sdk.ChildWorkflowFuture {
	if o.of.light == nil {
		o.of.options = append(o.of.options, sdk.GetChildWorkflowOptions(ctx))
		return o.Next.ExecuteChildWorkflow(ctx, name, args...)
	}
	n, _ := strconv.Atoi(args[0].(flow.Request).AccountKey)
	o.of.light[n]++
	o.of.total++
	f, set := sdk.NewFuture(ctx)
	set.SetValue(nil)
	return settled{f}
}

// settled is a child workflow that has begun and ended.
type settled struct{ sdk.Future }

func (s settled) GetChildWorkflowExecution() sdk.Future { return s }

func (s settled) SignalChildWorkflow(sdk.Context, string, any) sdk.Future { return s }
