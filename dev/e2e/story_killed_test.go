package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// killed are the stories of workers that are killed, one in each state a run can be found in.
// Its activity begins again on the next worker.
func killed() []story {
	const completed = statemachine.StateCompleted
	return []story{
		one("worker-killed-requested", killedMailing, ends(completed), workers, repeats(flow.SendEmail, 1, becauseOfSilence)),
		one("worker-killed-awaiting-token", killedWaiting, ends(completed), workers, misses, not(fires)),
		one("worker-killed-token-submitted", killedChanging, ends(completed), workers, repeats(flow.ChangePassword, 1, becauseOfSilence)),
		one("worker-killed-password-changed", killedTelling, ends(completed), workers, repeats(flow.SendEmail, 2, becauseOfSilence)),
		one("invitation-worker-killed", killedInviting, ends(completed), workers, repeats(flow.SendEmail, 1, becauseOfSilence)).of(workflow.Invite).with(guest),
		one("forced-reset-worker-killed", killedBlocking, ends(completed), workers, repeats(workflow.BlockPassword, 1, becauseOfSilence)).of(workflow.ForceReset),
		one("stranger-completes-change", killedAfterStranger, ends(completed), workers, schedules(flow.ChangePassword, 2)),
		one("verdict-of-another-run", killedAfterCopy, ends(completed), workers, schedules(flow.ChangePassword, 2)),
		one("used-and-mailed", usedAndMailed, ends(completed), workers, inOneTask(linkUsed, linkMailed)),
		one("used-and-canceled", usedAndCanceled, ends(statemachine.StateCanceled), workers, inOneTask(linkUsed, canceledByOperator)),
		{name: "used-and-asked", act: usedAndAsked, runs: []storyRun{
			{name: "used-and-asked", rules: []rule{continued(completed), workers, inOneTask(linkUsed, askedAgain)}},
			{name: "used-and-asked-continued", rules: []rule{continues, ends(statemachine.StateCanceled), not(stopsMail)}},
		}},
	}
}

// overdue are stories of links that end soon, and of a cool-down that does not.
func overdue() []story {
	return []story{
		one("asked-in-cool-down", inCoolDown, ends(statemachine.StateExpired), mails(1), signals(flow.RequestSignal, 2)),
		one("used-and-expired", usedAndExpired, ends(statemachine.StateCompleted), workers, inOneTask(linkUsed, timeIsUp)),
	}
}

// workerEnv makes this program, started once more, a worker that can be killed: the product's, on
// a store file of its own. `rekey worker` cannot be it, because it refuses the keyset.
const workerEnv = "REKEY_STORY_WORKER"

type workerSpec struct {
	Temporal, SMTP, URL, Data, Store string
	Suffix                           string // of the worker's name in the history
	Holds                            bool   // the store never finishes a change
}

// workAs is the whole life of such a worker; it ends with an error.
func workAs(text string) error {
	var spec workerSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return err
	}
	store, err := bolt.Open(spec.Store)
	if err != nil {
		return err
	}
	cfg := stack.Config{Temporal: spec.Temporal, Smarthost: spec.SMTP, Data: spec.Data, Client: anonymous(spec.Suffix), Log: zerolog.Nop()}
	ctx := context.Background()
	return stack.Part(ctx, cfg, spec.URL).Work(ctx, holding{store, spec.Holds})
}

// held is a worker's output when its store holds a change.
const held = "held"

// holding is a store whose changes and blocks never end, by a switch.
type holding struct {
	account.Store

	holds bool
}

func (h holding) hold() {
	if h.holds {
		fmt.Println(held)
		select {}
	}
}

// ChangePassword implements [account.Store].
func (h holding) ChangePassword(ctx context.Context, c account.Change) (accountID string, err error) {
	h.hold()
	return h.Store.ChangePassword(ctx, c)
}

// Block implements [account.Store].
func (h holding) Block(ctx context.Context, b account.Block) error {
	h.hold()
	return h.Store.Block(ctx, b)
}

func (o *owner) workerProcess(suffix string, holds bool) *process.Process {
	o.t.Helper()
	text, err := json.Marshal(workerSpec{
		Temporal: o.Server.Addr(), SMTP: o.Mail.SMTPAddr(), URL: o.URL, Data: o.Data,
		Store: o.storeFile(), Suffix: suffix, Holds: holds,
	})
	o.must(err)
	self, err := os.Executable()
	o.must(err)
	return process.Start(o.t, self, []string{workerEnv + "=" + string(text)})
}

func (o *owner) storeFile() string { return filepath.Join(o.Data, o.who.ID+".db") }

// worker starts the worker that will be killed, on a store with the owner's account.
func (o *owner) worker(holds bool) *process.Process {
	o.t.Helper()
	o.must(o.StopWorker()) // the one of the lab
	store, err := bolt.Open(o.storeFile())
	o.must(err)
	o.must(store.Put(o.t.Context(), o.who))
	o.must(store.Close())
	return o.workerProcess("-worker-1", holds)
}

// next lets the worker after the killed one do the rest.
func (o *owner) next(rest func()) {
	o.t.Helper()
	next := o.workerProcess("-worker-2", false)
	rest()
	o.ended()
	next.Kill(o.t)
}

// killedMailing: the mail server has the mail and has not said so.
func killedMailing(o *owner) {
	came, release := o.hold(inbox.ErrDropped)
	worker := o.worker(false)
	o.ask()
	o.await(came, "the mail")
	worker.Kill(o.t)
	o.next(func() {
		release()
		o.submit(o.link(1), newPassword, "")
	})
}

// killedInviting: the mail server has the mail of an invitation and has not said so.
func killedInviting(o *owner) {
	came, release := o.hold(inbox.ErrDropped)
	worker := o.worker(false)
	o.demand()
	o.await(came, "the mail")
	worker.Kill(o.t)
	o.next(func() {
		release()
		o.use(1, invitationLink, "/account/accept_invitation", "")
	})
}

// killedBlocking: the store has not finished the block.
func killedBlocking(o *owner) {
	worker := o.worker(true)
	o.demand()
	worker.Await(o.t, worker.Out, held)
	worker.Kill(o.t)
	o.next(func() { o.use(1, forcedLink, "/account/renew_password", "") })
}

// waits starts the worker that will be killed and has it mail a link.
func (o *owner) waits(holds bool) (worker *process.Process, token string) {
	o.t.Helper()
	worker = o.worker(holds)
	return worker, o.first()
}

// killedWaiting: the link is out. Temporal offers its use to the killed worker, because it does so
// for ten seconds after a worker has last asked.
func killedWaiting(o *owner) { o.usedAnd(o.orphaned(), "", func() {}) }

// killedChanging: the store has not finished the change.
func killedChanging(o *owner) { o.holdsChange(func() {}) }

// killedAfterStranger: the same, and an attacker without a link claims that it has.
func killedAfterStranger(o *owner) { o.holdsChange(o.foreignVerdict) }

// killedAfterCopy: the same, and an attacker has copied the submission and its verdict from
// another run.
func killedAfterCopy(o *owner) { o.holdsChange(o.copiedVerdict) }

// holdsChange kills the worker in the middle of the change, after something else.
func (o *owner) holdsChange(meanwhile func()) {
	o.t.Helper()
	worker, token := o.waits(true)
	answered := o.aside(token)
	worker.Await(o.t, worker.Out, held)
	meanwhile()
	worker.Kill(o.t)
	o.next(func() { answered("") })
}

// killedTelling: the mail server has the notice and has not said so.
func killedTelling(o *owner) {
	worker, token := o.waits(false)
	came, release := o.hold(inbox.ErrDropped)
	o.submit(token, newPassword, "")
	o.await(came, "the notice")
	worker.Kill(o.t)
	o.next(release)
}

// inCoolDown sends a request to a starter that does not know of the first one.
func inCoolDown(o *owner) {
	o.first()
	o.signal(flow.RequestSignal, flow.Caller{AccountKey: flow.AccountKey(o.id)})
}

// usedAnd lets a link be used and something else happen without a worker. The next worker gets
// both in one workflow task. The submission is answered with a code; the rest is for then.
func (o *owner) usedAnd(token, code string, other func(), rest ...func()) {
	o.t.Helper()
	answered := o.aside(token)
	o.hears(linkUsed)
	other()
	o.next(func() {
		answered(code)
		for _, step := range rest {
			step()
		}
	})
}

// orphaned has a link and no worker.
func (o *owner) orphaned() (token string) {
	o.t.Helper()
	worker, token := o.waits(false)
	worker.Kill(o.t)
	return token
}

// usedAndCanceled: the cancel wins.
func usedAndCanceled(o *owner) { o.usedAnd(o.orphaned(), "link_canceled", o.cancelInTemporal) }

// usedAndExpired: the use wins.
func usedAndExpired(o *owner) { o.usedAnd(o.orphaned(), "", func() { o.hears(timeIsUp) }) }

// usedAndAsked: the use wins, and the request is answered by another run, which is called
// off.
func usedAndAsked(o *owner) {
	o.usedAnd(o.orphaned(), "", o.ask, func() { o.linkOf(3, 1) }, o.cancelInTemporal) // link, notice, link
}

// usedAndMailed: the use wins. The worker is killed after the mail is out, and its last word
// reaches Temporal.
func usedAndMailed(o *owner) {
	came, release := o.hold(inbox.ErrLost)
	worker := o.worker(false)
	o.ask()
	o.await(came, "the mail")
	worker.Kill(o.t)
	release()
	o.usedAnd(o.token(1), "", func() { o.complete(flow.SendEmail, flow.Delivery{Expires: time.Now().Add(time.Hour)}) })
}
