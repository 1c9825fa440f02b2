package activities

import (
	"context"
	"errors"
	"strconv"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
)

// The metrics of this package. Their labels are constants of this code.
const (
	mailAttempts  = "rekey_mail_attempts"
	mailsWithheld = "rekey_mails_withheld"
	noticesFailed = "rekey_notices_failed"
	changes       = "rekey_changes"
	refusals      = "rekey_change_refusals"
	eventAttempts = "rekey_event_attempts"
	eventsFailed  = "rekey_events_failed"
)

// The kinds of mails and the result of one that went out, as metrics call them.
const (
	kindLink   = "link"
	kindNotice = "notice"
	sent       = "sent"
	fault      = "fault" // of a change without a verdict, and of an event that was not received
)

// announce makes every counter known from the start. A counter that appears with its first event
// hides that event from alerts on its increase.
func (a *Activities) announce() {
	for _, kind := range []string{kindLink, kindNotice} {
		for _, result := range []string{sent, string(mail.Refused), string(mail.Deferred), string(mail.Unknown)} {
			for _, retry := range []bool{false, true} {
				a.attempts(kind, result, retry).Inc(0)
			}
		}
	}
	for _, why := range []flow.Reason{
		flow.NoAccount, flow.Ambiguous, flow.Disabled, flow.NotResettable, flow.HashUnsupported,
		flow.HasPassword, flow.MailLimit, flow.MailRefused, flow.MailUnknown,
	} {
		a.counter(mailsWithheld, map[string]string{"reason": string(why)}).Inc(0)
	}
	a.counter(noticesFailed, nil).Inc(0)
	a.counter(eventsFailed, nil).Inc(0)
	for _, event := range a.hostEventTypes() {
		for _, result := range []string{sent, fault} {
			a.eventAttempts(event, result).Inc(0)
		}
	}
	for _, r := range reasons() {
		a.refusal(r.reason).Inc(0)
	}
	for _, result := range []statemachine.Event{statemachine.PasswordChanged, statemachine.Applied, statemachine.ChangeRefused, statemachine.TokenUnknown, fault} {
		a.counter(changes, map[string]string{"result": string(result)}).Inc(0)
	}
}

// reasons are the refusals of a store. ErrHashForm and ErrNeverTaken are of a host with wrong tables
// or a wrong sign-in, ErrVeto is a host's decision, the others are of an account that changed since
// the mail.
func reasons() []struct {
	err    error
	reason string
} {
	return []struct {
		err    error
		reason string
	}{
		{account.ErrAccountGone, "account_gone"},
		{account.ErrNotResettable, "not_resettable"},
		{account.ErrHasPassword, "has_password"},
		{account.ErrAddressChanged, "address_changed"},
		{account.ErrCredentialChanged, "credential_changed"},
		{account.ErrHashForm, "hash_form"},
		{account.ErrNeverTaken, "never_taken"},
		{account.ErrVeto, "veto"},
	}
}

func (a *Activities) refusal(reason string) client.MetricsCounter {
	return a.counter(refusals, map[string]string{"reason": reason})
}

// countRefusal counts why a store refused a change.
func (a *Activities) countRefusal(err error) {
	for _, r := range reasons() {
		if errors.Is(err, r.err) {
			a.refusal(r.reason).Inc(1)
		}
	}
}

func (a *Activities) attempts(kind, result string, retry bool) client.MetricsCounter {
	return a.counter(mailAttempts, map[string]string{"kind": kind, "result": result, "retry": strconv.FormatBool(retry)})
}

func (a *Activities) eventAttempts(event flow.HostEventType, result string) client.MetricsCounter {
	return a.counter(eventAttempts, map[string]string{"event": string(event), "result": result})
}

func (a *Activities) counter(name string, tags map[string]string) client.MetricsCounter {
	if a.Metrics == nil {
		return client.MetricsNopHandler.Counter(name)
	}
	return a.Metrics.WithTags(tags).Counter(name)
}

// countMail counts an attempt to hand a mail over and returns its result.
func (a *Activities) countMail(ctx context.Context, kind string, err error) string {
	result := sent
	if e, ok := errors.AsType[*mail.Error](err); ok {
		result = string(e.Outcome)
	}
	a.attempts(kind, result, activity.GetInfo(ctx).Attempt > 1).Inc(1)
	return result
}

func (a *Activities) countChange(v flow.Verdict, err error) {
	result := string(v.Event)
	if err != nil {
		result = fault
	}
	a.counter(changes, map[string]string{"result": result}).Inc(1)
}
