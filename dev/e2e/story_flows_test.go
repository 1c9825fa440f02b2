package e2e

import (
	"cmp"
	"regexp"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// usedFlows are the stories of other flows that end at once.
func usedFlows() []story {
	return []story{
		one("invitation-accepted", accepted, ends(statemachine.StateCompleted), mails(1), not(workers)).of(workflow.Invite).with(guest),
		one("invitation-declined", declined, ends(statemachine.StateCanceled), mails(1)).of(workflow.Invite).with(guest),
		one("invitation-withdrawn", withdrawn, ends(statemachine.StateCanceled), mails(1)).of(workflow.Invite).with(guest),
		one("invitation-resent", resentInvitation, ends(statemachine.StateCompleted), mails(2)).of(workflow.Invite).with(guest),
		one("forced-reset-used", renewed, ends(statemachine.StateCompleted), mails(1), not(workers)).of(workflow.ForceReset),
		one("forced-reset-refused", (*owner).demand, ends(statemachine.StateRefused), mails(0)).of(workflow.ForceReset).
			with(func(a *account.Account) { a.Resettable = false }),
		one("invitation-finish-after-termination", terminatedInvitation, ends(statemachine.StatePasswordChanged), schedules(flow.SendEmail, 1)).with(guest),
		{name: "campaign", act: campaigns, runs: []storyRun{{name: "campaign", flow: workflow.ForceAllName, rules: []rule{
			schedules(workflow.CountAccounts, 1), schedules(workflow.ListAccounts, 1),
		}}}},
	}
}

// unusedFlows are those in which no link is used.
func unusedFlows() []story {
	return []story{
		one("invitation-expired", noticed, ends(statemachine.StateExpired), withheld(""), mails(1)).of(workflow.Invite).with(guest),
		one("invitation-withheld-has-password", (*owner).demand, ends(statemachine.StateExpired), withheld(flow.HasPassword)).of(workflow.Invite),
		one("forced-reset-expired", noticed, ends(statemachine.StateExpired), withheld(""), mails(1)).of(workflow.ForceReset),
	}
}

// guest has no password.
func guest(a *account.Account) { a.Credential = "" }

// client is that of the flow.
func (o *owner) client() *starter.Client {
	return o.Starter.Of(o.flow, cmp.Or(o.LinkLife, starter.DefaultInviteLife))
}

// demand begins the run as a backend does.
func (o *owner) demand() {
	o.t.Helper()
	o.must(o.client().Demand(o.t.Context(), o.who.Address, "backend token 1", "Bob"))
}

// use posts the link of the n-th mail, with a password if it takes one.
func (o *owner) use(n int, link *regexp.Regexp, path, code string) {
	o.t.Helper()
	found := link.FindStringSubmatch(mailed(o.t, o.Stack, o.who.Address, n))
	if found == nil {
		o.t.Fatalf("mail %d has no link %s", n, link)
	}
	body := map[string]string{"token": found[1]}
	if link != declineLink {
		body["password"] = newPassword
	}
	o.decided(post(o.t, o.Stack, path, body), code)
}

func accepted(o *owner) {
	o.demand()
	o.use(1, invitationLink, "/account/accept_invitation", "")
}

func declined(o *owner) {
	o.demand()
	o.use(1, declineLink, "/account/decline_invitation", "")
}

func withdrawn(o *owner) {
	o.demand()
	mailed(o.t, o.Stack, o.who.Address, 1)
	o.must(o.client().Withdraw(o.t.Context(), o.who.Address, "backend token 1"))
}

func resentInvitation(o *owner) {
	o.demand()
	mailed(o.t, o.Stack, o.who.Address, 1)
	o.until("the timer of the link", func(h *historypb.History) bool { return count(h, enumspb.EVENT_TYPE_TIMER_STARTED) > 0 })
	o.must(o.client().Resend(o.t.Context(), o.who.Address, "backend token 1"))
	o.use(2, invitationLink, "/account/accept_invitation", "")
}

func renewed(o *owner) {
	o.demand()
	o.use(1, forcedLink, "/account/renew_password", "")
}

// terminatedInvitation ends the run between the first password and the notice of it.
func terminatedInvitation(o *owner) {
	o.flow = workflow.Invite
	o.id = o.flow.ID(flow.AccountKey(o.id))
	o.demand()
	link, run := invitationLink.FindStringSubmatch(mailed(o.t, o.Stack, o.who.Address, 1)), o.newest()
	o.refuse(o.who.Address)
	o.decided(post(o.t, o.Stack, "/account/accept_invitation", map[string]string{"token": link[1], "password": newPassword}), "")
	o.finishes(run)
}

// campaigns forces everybody's reset, in which nobody is there.
func campaigns(o *owner) {
	desk, err := operator.Dial(o.t.Context(), operator.Config{Temporal: client.Options{HostPort: o.Server.Addr()}, Keys: o.Keys})
	o.must(err)
	defer desk.Close()
	o.must(desk.StartCampaign(o.t.Context(), operator.CampaignOrder{Operator: "a.smith", Reason: "a leak", Rate: 1, After: "zzz"}))
	o.id = workflow.ForceAllID(flow.TaskQueue)
}

// noticed has a link and does nothing.
func noticed(o *owner) {
	o.demand()
	mailed(o.t, o.Stack, o.who.Address, 1)
}
