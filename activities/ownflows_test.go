package activities_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// verifying is a flow of one's own, in which nobody submits a password.
func verifying() activities.Flow {
	return activities.Flow{
		Definition: flow.Definition{
			Name: "VerifyEmail", Kind: "verify-email",
			Table: statemachine.Table[statemachine.State, statemachine.Event]{
				{From: statemachine.StateRequested, Event: statemachine.LinkSent, To: statemachine.StateAwaitingToken},
				{From: statemachine.StateAwaitingToken, Event: statemachine.TokenSubmitted, To: statemachine.StateTokenSubmitted},
				{From: statemachine.StateTokenSubmitted, Event: statemachine.Applied, To: statemachine.StateCompleted},
			},
			Steps: flow.Steps{
				statemachine.StateRequested: flow.MailFirstLink, statemachine.StateAwaitingToken: flow.AwaitToken,
				statemachine.StateTokenSubmitted: flow.Apply,
			},
		},
		Mail: func(_ *mail.Templates, to, id string, l activities.Link) (mail.Message, error) {
			return mail.Plain(to, id, "Yours?", l.URL), nil
		},
		Apply: func(context.Context, account.Account, account.Change) error { return nil },
		Page:  "/account/verify-email/",
	}
}

// verifier is a site with that flow, which mailed a link to account ann.
type verifier struct {
	*site
	link   string
	called []account.Change
	fail   error
}

func verifies(t *testing.T) *verifier {
	t.Helper()
	v := &verifier{site: newSite(t, ann)}
	f := verifying()
	f.Mail = func(_ *mail.Templates, to, id string, l activities.Link) (mail.Message, error) {
		v.link = l.URL // no page: it is the token
		return mail.Plain(to, id, "Yours?", l.URL), nil
	}
	f.Apply = func(_ context.Context, owner account.Account, c account.Change) error {
		diff(t, "account", owner, ann)
		v.called = append(v.called, c)
		return v.fail
	}
	v.Flows = []activities.Flow{f}
	v.Links = v.Links.Knowing(link.Of("verify-email"))
	v.run.ID = f.ID(key)
	m := wanted(ann.Address)
	m.Flow = "verify-email"
	_, err := v.sendLink(t, m)
	must(t, err)
	return v
}

// confirmed is the use of the link, as a starter makes it.
func (v *verifier) confirmed(t *testing.T, hash string) flow.Change {
	t.Helper()
	_, token, err := v.Links.Open("verify-email", v.link)
	must(t, err)
	p := keys.NewPassword{Hash: hash, Digest: token.Digest(), Accepted: v.now, Client: from}
	s := flow.Submission{ID: p.ID(), LinkRun: run}
	s.Sealed, err = v.sealer.Seal(p, s.SealContext(v.run.ID))
	must(t, err)
	return flow.Change{Run: run, Submission: s, Flow: "verify-email"}
}

func (v *verifier) decides(t *testing.T, c flow.Change, want statemachine.Event) {
	t.Helper()
	got, err := v.change(t, c)
	must(t, err)
	diff(t, "event", got.Event, want)
}

// security 23: the application does its part once, and the password stays.
func TestFlowIsApplied(t *testing.T) {
	t.Parallel()
	v := verifies(t)
	c := v.confirmed(t, "")
	want := flow.Verdict{Event: statemachine.Applied, Run: run, Submission: c.Submission.ID, Account: ann.ID, Changed: start}
	for range 2 {
		got, err := v.change(t, c)
		must(t, err)
		diff(t, "verdict", got, want)
	}
	if len(v.called) != 1 || v.called[0].Submission != c.Submission.ID || v.called[0].Scope != "verify-email" {
		t.Errorf("called with %+v", v.called)
	}
	diff(t, "credential", v.credential(t), ann.Credential)
	v.audited(t, ann.ID, account.Entry{Event: account.EventMailIssued}, account.Entry{Event: account.EventApplied, Detail: "verify-email"})
}

// security 4: the use of a link of one flow is none of another, whatever a change says.
func TestFlowsAreNotSwapped(t *testing.T) {
	t.Parallel()
	v := verifies(t)
	withHash := v.confirmed(t, fresh)
	v.decides(t, withHash, statemachine.TokenUnknown) // a password is not asked for
	withHash.Flow = ""
	v.decides(t, withHash, statemachine.TokenUnknown) // the token's scope is not that of a reset
	asReset := v.confirmed(t, "")
	asReset.Flow = ""
	v.decides(t, asReset, statemachine.TokenUnknown) // a reset without a password
	unknown := v.confirmed(t, "")
	unknown.Flow = "other"
	if got, err := v.change(t, unknown); err == nil || !strings.Contains(err.Error(), "knows no flow") {
		t.Errorf("%+v, %v", got, err)
	}
	diff(t, "calls", len(v.called), 0)
	diff(t, "credential", v.credential(t), ann.Credential)

	s := linked(t)
	s.Flows = []activities.Flow{verifying()}
	reset := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, "")), Flow: "verify-email"}
	got, err := s.change(t, reset)
	must(t, err)
	diff(t, "a link of a reset", got.Event, statemachine.TokenUnknown)
}

// A refusal of the application is final, and each other error leads to another call.
func TestFlowIsRefused(t *testing.T) {
	t.Parallel()
	v := verifies(t)
	c := v.confirmed(t, "")
	v.fail = errors.New("the application is away")
	_, err := v.change(t, c)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); !ok || failed.Type() != flow.HostAway {
		t.Errorf("error %v, want one of type %s", err, flow.HostAway)
	}
	v.now = time.Now().Add(flow.WaitsAfter + time.Minute) // the environment schedules by its own clock
	late := v.confirmed(t, "")                            // of now, the other one is too old for this clock
	late.Waits = true
	got, err := v.change(t, late)
	must(t, err)
	diff(t, "kept waiting", got.Waits, flow.WaitingForStore)

	v = verifies(t)
	v.fail = account.Veto("under investigation")
	got, err = v.change(t, v.confirmed(t, ""))
	must(t, err)
	diff(t, "event", got.Event, statemachine.ChangeRefused)
	diff(t, "reason", strings.Contains(got.Reason, "under investigation"), true)
}

// security 23: a use that is older than a day is not applied.
func TestFlowThatIsTooOld(t *testing.T) {
	t.Parallel()
	v := verifies(t)
	c := v.confirmed(t, "")
	v.now = v.now.Add(flow.ApplyWithin + time.Second)
	v.decides(t, c, statemachine.ChangeRefused)
	diff(t, "calls", len(v.called), 0)
}

// An application whose store remembers no uses is told so.
func TestFlowNeedsAStore(t *testing.T) {
	t.Parallel()
	v := verifies(t)
	watch(v.site)
	if got, err := v.change(t, v.confirmed(t, "")); err == nil || !strings.Contains(err.Error(), "account.Using") {
		t.Errorf("%+v, %v", got, err)
	}
	diff(t, "calls", len(v.called), 0)
}

// A flow that no worker can run is refused at its start.
func TestFlowsAreChecked(t *testing.T) {
	t.Parallel()
	must(t, verifying().Check())
	renewal := activities.Flow{Definition: workflow.ResetPassword, Mail: verifying().Mail, Page: "/account/renew/"}
	renewal.Name, renewal.Kind = "RenewPassword", "renewal"
	must(t, renewal.Check())
	for want, spoil := range map[string]func(f *activities.Flow){
		"want a name":              func(f *activities.Flow) { f.Name = "" },
		"a kind such as":           func(f *activities.Flow) { f.Kind = "Verify/email" },
		"first state is requested": func(f *activities.Flow) { f.Table = f.Table[1:] },
		"each state needs a step":  func(f *activities.Flow) { f.Steps = flow.Steps{} },
		"a final state is one of":  func(f *activities.Flow) { f.Table = append(f.Table[:2:2], f.Table[2]); f.Table[2].To = "verified" },
		"writes the mail":          func(f *activities.Flow) { f.Mail = nil },
		"the path of a page":       func(f *activities.Flow) { f.Page = "" },
		"want a path such as":      func(f *activities.Flow) { f.CancelPage = "/cancel" },
		"does not fit":             func(f *activities.Flow) { f.Scope = account.ScopePasswordReset },
		"lacks the event applied": func(f *activities.Flow) {
			f.Table = append(f.Table[:2:2], f.Table[2])
			f.Table[2].Event = statemachine.PasswordChanged
		},
		"lacks the event password_": func(f *activities.Flow) { f.Apply = nil },
	} {
		f := verifying()
		spoil(&f)
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
