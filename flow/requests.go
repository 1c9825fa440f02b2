package flow

import "go.temporal.io/sdk/workflow"

// answerRequests takes the requests and reports whether this run answers them. The answer is
// another link, a link in progress or just mailed, or the last link while it is good. After the
// end of the last link this run mails no more, and another run answers.
func (r *Run) answerRequests(ctx workflow.Context) bool {
	caller, asked := r.takeRequests()
	if !asked {
		return true
	}
	switch why := r.links().Unanswered(workflow.Now(ctx)); {
	case why == "":
		r.sendLink(ctx, caller)
	case why == LinksEnded && endsForLateRequest(ctx):
		r.lateCaller = &caller
		return false
	default:
		r.passOver(ctx, why)
	}
	return true
}

// endsForLateRequest is false for runs of 0.2.0: they pass over a request after their last link.
func endsForLateRequest(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "asked-after-the-last-link", workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

// passOver notes for operators that a request mailed nothing, and why.
func (r *Run) passOver(ctx workflow.Context, why Unanswered) {
	switch {
	case r.mails == MaxMails && r.mail == nil && r.withheld != "":
		why = "last_mail_withheld"
	case why == LinksEnded:
		why = LastLinkOut
	}
	r.passedOver++
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"reason": string(why)}).Counter("rekey_requests_passed_over").Inc(1)
	workflow.SetCurrentDetails(ctx, r.details())
}

// lateRequest is a request that another run has to answer.
func (r *Run) lateRequest() (Caller, bool) {
	if last, asked := r.takeRequests(); asked || r.lateCaller == nil {
		return last, asked
	}
	return *r.lateCaller, true
}

// takeRequests takes all request signals; many clicks are one, the last. The SDK drops signals
// that are not sealed under a key of the keyset. A signal sealed for another account is ignored.
func (r *Run) takeRequests() (last Caller, asked bool) {
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
