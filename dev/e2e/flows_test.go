package e2e

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/cost"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/workflow"
)

var (
	invitationLink = regexp.MustCompile(`/account/accept-invitation/([A-Za-z0-9_-]+)`)
	declineLink    = regexp.MustCompile(`/account/decline-invitation/([A-Za-z0-9_-]+)`)
	forcedLink     = regexp.MustCompile(`/account/renew-password/([A-Za-z0-9_-]+)`)
)

// linked is the token of a link in the n-th mail to an address.
func linked(t *testing.T, link *regexp.Regexp, address string, n int) string {
	t.Helper()
	text := mailed(t, shared, address, n)
	found := link.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no link %s in the mail:\n%s", link, text)
	}
	return found[1]
}

func inviting() *starter.Client { return shared.Starter.Of(workflow.Invite, 72*time.Hour) }

// invited is a person without a password who gets an invitation.
func invited(t *testing.T) account.Account {
	t.Helper()
	who := newPerson(t, shared, func(a *account.Account) { a.Credential = "" })
	if err := shared.Starter.Invite(t.Context(), who.Address, "Bob"); err != nil {
		t.Fatal(err)
	}
	return who
}

// security 29, 30, 49: an invitation sets the first password once. Its link is none of a reset, and a
// reset of the same account mails nothing.
func TestInvitation(t *testing.T) {
	t.Parallel()
	who := invited(t)
	token, decline := linked(t, invitationLink, who.Address, 1), linked(t, declineLink, who.Address, 1)
	for path, token := range map[string]string{
		"/account/reset_password/": token, "/account/renew_password/": token, "/account/accept_invitation/": decline,
	} {
		if a := post(t, shared, path+token, map[string]string{"password": newPassword}); a.Code != "link_invalid" {
			t.Errorf("a link of an invitation at %s: %+v", path, a)
		}
	}
	if a := post(t, shared, "/account/cancel_reset/"+decline, struct{}{}); a.Code != "link_invalid" {
		t.Errorf("a link of an invitation cancels a reset: %+v", a)
	}
	forgot(t, shared, who.Address)
	if a := post(t, shared, "/account/accept_invitation/"+token, map[string]string{"password": newPassword}); a.code != 200 || a.Status != "okay" {
		t.Fatalf("the first password: %+v", a)
	}
	if a := post(t, shared, "/account/accept_invitation/"+token, map[string]string{"password": newPassword + "x"}); a.Code != "link_used" {
		t.Errorf("another password: %+v", a)
	}
	if code := signIn(t, shared, who.Address, newPassword); code != 200 {
		t.Errorf("sign-in with the first password: %d", code)
	}
	if notice := mailed(t, shared, who.Address, 2); !strings.Contains(notice, "set") || strings.Contains(notice, "/account/change-password/") {
		t.Errorf("the notice of a first password:\n%s", notice)
	}
	if log := auditOf(t, shared, who); !slices.Contains(log, account.EventPasswordSet) || slices.Contains(log, account.EventPasswordChanged) {
		t.Errorf("audit log: %v", log)
	}
	over(t, workflow.Invite, who, 10)
	if err := inviting().Demand(t.Context(), who.Address, "backend token 1", ""); err != nil {
		t.Fatal(err)
	}
	process.Eventually(t, patience, "an invitation of an account with a password is withheld", func() bool {
		return slices.Contains(auditOf(t, shared, who), account.EventMailWithheld)
	})
}

// An invitation is declined by its guest, and withdrawn by its inviter.
func TestInvitationIsCanceled(t *testing.T) {
	t.Parallel()
	who := invited(t)
	token, decline := linked(t, invitationLink, who.Address, 1), linked(t, declineLink, who.Address, 1)
	if a := post(t, shared, "/account/decline_invitation/"+decline, struct{}{}); a.code != 200 {
		t.Errorf("declined: %+v", a)
	}
	if a := post(t, shared, "/account/accept_invitation/"+token, map[string]string{"password": newPassword}); a.Code != "link_canceled" {
		t.Errorf("after that: %+v", a)
	}
	other := invited(t)
	token = linked(t, invitationLink, other.Address, 1)
	if err := inviting().Withdraw(t.Context(), other.Address, "backend token 1"); err != nil {
		t.Error(err)
	}
	process.Eventually(t, patience, "the end of the withdrawn invitation", func() bool {
		return post(t, shared, "/account/accept_invitation/"+token, map[string]string{"password": newPassword}).Code == "link_canceled"
	})
	process.Eventually(t, patience, "the end of its run", func() bool {
		return errors.Is(inviting().Withdraw(t.Context(), other.Address, "backend token 1"), starter.ErrNoRun)
	})
	if err := inviting().Resend(t.Context(), other.Address, "backend token 1"); !errors.Is(err, starter.ErrNoRun) {
		t.Errorf("a withdrawn invitation is sent again: %v", err)
	}
}

// over waits for the end of a run, which replays and costs so many Actions at most.
func over(t *testing.T, d flow.Definition, who account.Account, most int) {
	t.Helper()
	id := d.ID(flow.AccountKey(workflowID(t, shared, who.Address)))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := temporalClient(t, shared).GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		t.Fatal(err)
	}
	c, err := cost.Of(replaysRun(t, shared, id))
	if err != nil || c.Actions > most || c.Actions < 5 {
		t.Errorf("%s costs %d Actions, want %d at most: %v", id, c.Actions, most, err)
	}
	t.Logf("%s: %+v", d.Kind, c)
}

// A forced reset ends password and sessions at once, and mails a link. The owner may also ask for an
// ordinary reset.
func TestForcedReset(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(t *testing.T, who account.Account) answer{
		"by its link": func(t *testing.T, who account.Account) answer {
			t.Helper()
			token := linked(t, forcedLink, who.Address, 1)
			return post(t, shared, "/account/renew_password/"+token, map[string]string{"password": newPassword})
		},
		"by a reset": func(t *testing.T, who account.Account) answer {
			t.Helper()
			forgot(t, shared, who.Address)
			token, _ := tokens(t, shared, who.Address, 2)
			return reset(t, shared, token, newPassword)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			session, err := shared.Store.NewSession(t.Context(), who.ID, who.Credential)
			if err != nil {
				t.Fatal(err)
			}
			if err := shared.Starter.Of(workflow.ForceReset, 24*time.Hour).Demand(t.Context(), who.Address, "a.smith", "a leak of hashes"); err != nil {
				t.Fatal(err)
			}
			if text := mailed(t, shared, who.Address, 1); !strings.Contains(text, "a leak of hashes") {
				t.Errorf("the mail does not say why:\n%s", text)
			}
			if code := signIn(t, shared, who.Address, demo.Password); code == 200 {
				t.Error("the old password still signs in")
			}
			if _, err := shared.Store.Session(t.Context(), session); err == nil {
				t.Error("a session goes on")
			}
			if a := use(t, who); a.code != 200 {
				t.Fatalf("the new password: %+v", a)
			}
			if code := signIn(t, shared, who.Address, newPassword); code != 200 {
				t.Errorf("sign-in with the new password: %d", code)
			}
			if name == "by its link" {
				over(t, workflow.ForceReset, who, 10)
				return
			}
			// The run of the first demand is open. Another demand blocks the new password too.
			if err := shared.Starter.Of(workflow.ForceReset, 24*time.Hour).Demand(t.Context(), who.Address, "a.smith", "another leak"); err != nil {
				t.Fatal(err)
			}
			mailed(t, shared, who.Address, 4) // two links, a notice, another link
			if code := signIn(t, shared, who.Address, newPassword); code == 200 {
				t.Error("the password of since still signs in")
			}
		})
	}
}
