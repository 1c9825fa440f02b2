package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// Flow is what the activities know of a flow.
type Flow struct {
	flow.Definition
	// Scope is that of the records of its tokens. The store decides by it. Empty is the kind of a
	// flow with Apply, and account.ScopePasswordReset of one without.
	Scope string
	// Withheld is why an account gets no link, "" for one that gets one. Nil is "" for all. It is not
	// asked about accounts that never get one: those that are disabled and, without Apply, those
	// whose password may not be reset.
	Withheld func(account.Account) flow.Reason
	// MaxLife bounds the life of a link. Zero is Activities.MaxLinkLife.
	MaxLife time.Duration
	// Hash is how the new password of an account is hashed ([password.Parse]). Nil is the way of a
	// reset: as the account's sign-in reads it. Errors: password.ErrUnsupported.
	Hash func(account.Account) (string, error)
	// Mail writes the mail with a link.
	Mail func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error)

	// Apply makes the flow one without a password: its user confirms, and Apply is what the
	// application does then for the account, within 30 seconds. The change says when, for which
	// run, and names the submission. A crash can repeat the call, so Apply is idempotent. Its error
	// account.Veto refuses for good; each other one leads to another call. Texts of errors hold no
	// address. See account.Apply.
	Apply func(ctx context.Context, owner account.Account, c account.Change) error
	// Page is where links lead below the base URL, such as "/account/verify-email/"; the token
	// follows. CancelPage is that of the link that cancels; empty mails none.
	Page, CancelPage string
}

// Check returns an error when a worker cannot run a flow of one's own.
func (f Flow) Check() error {
	if err := f.Definition.Check(); err != nil {
		return err
	}
	applied := statemachine.PasswordChanged
	if f.Apply != nil {
		applied = statemachine.Applied
	}
	switch f = new(Activities).whole(f); {
	case f.Mail == nil || f.Page == "":
		return fmt.Errorf("flow %s: want a function that writes the mail, and the path of a page", f.Name)
	case account.OfPassword(f.Scope) == (f.Apply != nil):
		return fmt.Errorf("flow %s: the scope %q does not fit: only a flow without Apply changes a password", f.Name, f.Scope)
	case !slices.Contains(f.Table.Events(), applied):
		return fmt.Errorf("flow %s: its table lacks the event %s", f.Name, applied)
	}
	return link.CheckPages(f.Pages()...)
}

// Pages are those of a flow of one's own, none of rekey's flows.
func (f Flow) Pages() (pages []link.Page) {
	purposes := link.Of(f.Kind)
	if f.Page != "" {
		pages = append(pages, link.Page{Purpose: purposes.Use, Path: f.Page})
	}
	if f.CancelPage != "" {
		pages = append(pages, link.Page{Purpose: purposes.Cancel, Path: f.CancelPage})
	}
	return pages
}

// whole is a flow with its defaults.
func (a *Activities) whole(f Flow) Flow {
	scope := account.ScopePasswordReset
	if f.Apply != nil {
		scope = f.Kind
	}
	f.Scope = cmp.Or(f.Scope, scope)
	switch {
	case f.Apply != nil || f.Hash != nil:
	case f.Scope == account.ScopeFirstPassword:
		f.Hash = a.firstHash
	default:
		f.Hash = a.Upgrade.hashing
	}
	f.Withheld = withholding(f.Scope, f.Withheld)
	return f
}

// Link is the content of a mail with a link.
type Link struct {
	mail.Reset
	Number int    // 1 for the first mail of a run
	Note   string // Request.Note
}

// flows are those of rekey and the further ones.
func (a *Activities) flows() []Flow {
	return slices.Concat([]Flow{
		{
			Definition: workflow.ResetPassword,
			Mail: func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error) {
				return t.Reset(to, messageID, l.Reset)
			},
		},
		{
			Definition: workflow.Invite, Scope: account.ScopeFirstPassword, MaxLife: maxInvitation,
			Mail: func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error) {
				return t.Invitation(to, messageID, mail.Invitation{
					URL: l.URL, CancelURL: l.CancelURL, Life: l.Life, Inviter: l.Note, Reminder: l.Number > 1,
				})
			},
		},
		{
			Definition: workflow.ForceReset, MaxLife: maxInvitation,
			Mail: func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error) {
				return t.Forced(to, messageID, mail.Forced{URL: l.URL, Life: l.Life, Reason: l.Note})
			},
		},
	}, a.Flows)
}

// flow is the flow of a kind, the reset for "". A worker of an earlier release gets no other.
func (a *Activities) flow(kind string) (Flow, error) {
	if kind == "" {
		kind = workflow.ResetPassword.Kind
	}
	all := a.flows()
	i := slices.IndexFunc(all, func(f Flow) bool { return f.Kind == kind })
	if i < 0 {
		return Flow{}, fmt.Errorf("this worker knows no flow %.40q", kind)
	}
	return a.whole(all[i]), nil
}

// further is the flow of a run, by its workflow ID. It is false for a run that is of none of a.Flows.
func (a *Activities) further(workflowID string) (Flow, bool) {
	for _, f := range a.Flows {
		if f.Owns(workflowID) {
			return f, true
		}
	}
	return Flow{}, false
}

// withholding is why an account gets no link of a scope, by the rules for all and that of the flow.
func withholding(scope string, own func(account.Account) flow.Reason) func(account.Account) flow.Reason {
	never := allowing(scope)
	if !account.OfPassword(scope) {
		never = func(a account.Account) flow.Reason {
			if a.Disabled {
				return flow.Disabled
			}
			return ""
		}
	}
	return func(a account.Account) flow.Reason {
		why := never(a)
		if why == "" && own != nil {
			why = own(a)
		}
		return why
	}
}

// allowing is why an account gets no link for a scope, "" for one that gets it.
func allowing(scope string) func(account.Account) flow.Reason {
	return func(a account.Account) flow.Reason {
		switch err := a.Allows(scope); {
		case a.Disabled:
			return flow.Disabled
		case errors.Is(err, account.ErrHasPassword):
			return flow.HasPassword
		case err != nil:
			return flow.NotResettable
		}
		return ""
	}
}

// firstHash is how the first password of an account is hashed: nothing of the account says it.
func (a *Activities) firstHash(account.Account) (string, error) {
	if a.First == nil {
		return "", password.ErrUnsupported
	}
	return password.Text(a.First), nil
}

// maxInvitation bounds the life of links whose readers did not ask for them.
const maxInvitation = 7 * 24 * time.Hour

// knows reports whether an event is one of the flows.
func (a *Activities) knows(e flow.HostEventType) bool { return slices.Contains(a.hostEventTypes(), e) }

// hostEventTypes are the events of all flows.
func (a *Activities) hostEventTypes() (types []flow.HostEventType) {
	for _, f := range a.flows() {
		types = append(types, f.HostEventTypes()...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}
