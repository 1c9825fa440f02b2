package activities

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

// Flow is what the activities know of a flow.
type Flow struct {
	flow.Definition
	// Scope is that of the records of its tokens. The store decides by it.
	Scope string
	// Withheld is why an account gets no link, "" for one that gets one.
	Withheld func(account.Account) flow.Reason
	// MaxLife bounds the life of a link. Zero is Activities.MaxLinkLife.
	MaxLife time.Duration
	// Hash is how the new password of an account is hashed ([password.Parse]), nil where nobody
	// submits one. Errors: password.ErrUnsupported.
	Hash func(account.Account) (string, error)
	// Mail writes the mail with a link.
	Mail func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error)
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
			Definition: workflow.ResetPassword, Scope: account.ScopePasswordReset,
			Withheld: allowing(account.ScopePasswordReset), Hash: a.Upgrade.hashing,
			Mail: func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error) {
				return t.Reset(to, messageID, l.Reset)
			},
		},
		{
			Definition: workflow.Invite, Scope: account.ScopeFirstPassword, MaxLife: maxInvitation,
			Withheld: allowing(account.ScopeFirstPassword), Hash: a.firstHash,
			Mail: func(t *mail.Templates, to, messageID string, l Link) (mail.Message, error) {
				return t.Invitation(to, messageID, mail.Invitation{
					URL: l.URL, CancelURL: l.CancelURL, Life: l.Life, Inviter: l.Note, Reminder: l.Number > 1,
				})
			},
		},
		{
			Definition: workflow.ForceReset, Scope: account.ScopePasswordReset, MaxLife: maxInvitation,
			Withheld: allowing(account.ScopePasswordReset), Hash: a.Upgrade.hashing,
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
	return all[i], nil
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
