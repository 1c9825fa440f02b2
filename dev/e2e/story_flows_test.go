package e2e

import (
	"cmp"
	"regexp"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// usedFlows are the stories of other flows that end at once.
func usedFlows() []story {
	return []story{
		one("invitation-accepted", accepted, ends(statemachine.StateCompleted), mails(1)).of(workflow.Invite).with(guest),
		one("invitation-declined", declined, ends(statemachine.StateCanceled), mails(1)).of(workflow.Invite).with(guest),
		one("invitation-withdrawn", withdrawn, ends(statemachine.StateCanceled), mails(1)).of(workflow.Invite).with(guest),
		one("invitation-resent", resentInvitation, ends(statemachine.StateCompleted), mails(2)).of(workflow.Invite).with(guest),
		one("forced-reset-used", renewed, ends(statemachine.StateCompleted), mails(1)).of(workflow.ForceReset),
		one("forced-reset-refused", (*owner).demand, ends(statemachine.StateRefused), mails(0)).of(workflow.ForceReset).
			with(func(a *account.Account) { a.Resettable = false }),
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

// noticed has a link and does nothing.
func noticed(o *owner) {
	o.demand()
	mailed(o.t, o.Stack, o.who.Address, 1)
}
