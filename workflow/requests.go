package workflow

import "go.temporal.io/sdk/workflow"

// answerRequests takes the requests that have come and reports whether this run answers them: by
// another link, or because one is on its way, just mailed, or the last one that it mails and
// still good. When the last link has ended, nobody can use this run any more, and another run
// has to answer.
func (r *run) answerRequests(ctx workflow.Context) bool {
	caller, asked := r.takeRequests()
	switch {
	case !asked:
		return true
	case r.mayMailAgain(ctx):
		r.sendLink(ctx, caller)
		return true
	case r.lastLinkEnded(ctx):
		r.lateCaller = &caller
		return false
	}
	r.passOver(ctx)
	return true
}

func (r *run) mayMailAgain(ctx workflow.Context) bool {
	return r.mail == nil && r.mails < MaxMails && workflow.Now(ctx).Sub(r.mailedAt) >= r.in.CoolDown
}

// lastLinkEnded reports that the run mails no other link, and that no link is good any more: the
// last one has ended, or none was mailed. The run itself stays open for the grace after that, and
// longer when the worker's links live shorter than was asked for. Runs of 0.2.0 pass such a
// request over.
func (r *run) lastLinkEnded(ctx workflow.Context) bool {
	now := workflow.Now(ctx)
	return r.mail == nil && r.mails == MaxMails && !now.Before(r.expires) && now.Sub(r.mailedAt) >= r.in.CoolDown &&
		workflow.GetVersion(ctx, "asked-after-the-last-link", workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// passOver notes for operators that a request mailed nothing, and why.
func (r *run) passOver(ctx workflow.Context) {
	why := "cool_down"
	switch {
	case r.mail != nil:
		why = "mail_on_its_way"
	case r.mails == MaxMails && r.withheld != "":
		why = "last_mail_withheld"
	case r.mails == MaxMails:
		why = "last_link_out"
	}
	r.passedOver++
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"reason": why}).Counter("rekey_requests_passed_over").Inc(1)
	workflow.SetCurrentDetails(ctx, r.details())
}

// lateRequest is a request that another run has to answer.
func (r *run) lateRequest() (Caller, bool) {
	if last, asked := r.takeRequests(); asked || r.lateCaller == nil {
		return last, asked
	}
	return *r.lateCaller, true
}

// takeRequests takes all request signals; many clicks are one, the last. The SDK drops signals
// that are not sealed with our keys. A signal sealed for another account is ignored.
func (r *run) takeRequests() (last Caller, asked bool) {
	for {
		var c Caller
		if !r.requests.ReceiveAsync(&c) {
			return last, asked
		}
		if c.AccountKey == r.in.AccountKey {
			last, asked = c, true
		}
	}
}
