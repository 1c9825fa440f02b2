package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/rekeyhq/rekey/starter"
)

// Links is the client behind the page of a mailed link. Its methods are those of a
// [starter.Resets], which is one, with the same errors. They may be called concurrently.
type Links interface {
	// Inspect returns the state of a mailed link, and changes nothing.
	Inspect(ctx context.Context, token string) (starter.Link, error)
	// Submit sets a password through a link.
	Submit(ctx context.Context, token, password string) error
	// Follow makes a ticket from the link of a mail, for Followed.
	Follow(token string) (ticket string, err error)
	// Followed returns the state of a submitted password.
	Followed(ctx context.Context, ticket string) (starter.LinkState, error)
}

// Invitations is the client behind the pages of an invitation.
type Invitations interface {
	Links
	// Cancel declines an invitation through the other link of its mail, like [starter.Resets].
	Cancel(ctx context.Context, token string) error
}

// siteFlow is one way to a password: its client, its paths and its words. The pages are written in the
// words of a reset, and the file pages/flows/NAME.html replaces blocks of them. A path of a page
// that a mail links to, and of a form, also exists with a token behind it.
type siteFlow struct {
	name    string
	enabled bool
	links   Links
	cancel  func(ctx context.Context, token string) error // nil for mails without such a link
	words   []problem                                     // Text and Hint of a Code, "" for those of a reset

	Page, Form             string // the page behind the link, and the path that its form is posted to
	Pending, Done          string // the pages after it; Pending has a ticket behind it
	CancelPage, CancelForm string // of the other link
	Canceling, Canceled    string
}

// flows are those of a configuration. The first is that of a reset.
func flows(resets starter.Resets, cfg Config) []*siteFlow {
	all := []*siteFlow{{
		name: "reset", enabled: cfg.Enabled, links: resets, cancel: resets.Cancel,
		Page: "/account/change-password", Form: "/account/reset_password",
		Pending: "/account/password-pending", Done: "/account/password-changed",
		CancelPage: "/account/cancel-reset", CancelForm: "/account/cancel_reset",
		Canceling: "/account/cancel-pending", Canceled: "/account/reset-canceled",
	}}
	if cfg.Invitations != nil {
		all = append(all, &siteFlow{
			name: "invitation", enabled: true, links: cfg.Invitations, cancel: cfg.Invitations.Cancel, words: invitationWords,
			Page: "/account/accept-invitation", Form: "/account/accept_invitation",
			Pending: "/account/invitation-pending", Done: "/account/invitation-accepted",
			CancelPage: "/account/decline-invitation", CancelForm: "/account/decline_invitation",
			Canceling: "/account/decline-pending", Canceled: "/account/invitation-declined",
		})
	}
	if cfg.Renewals != nil {
		all = append(all, &siteFlow{
			name: "renewal", enabled: true, links: cfg.Renewals, words: renewalWords,
			Page: "/account/renew-password", Form: "/account/renew_password",
			Pending: "/account/renew-pending", Done: "/account/password-renewed",
		})
	}
	return all
}

// flow is that of a request, by its route. Requests without one read of a reset.
func (h *handler) flow(r *http.Request) *siteFlow {
	if f, ok := h.byRoute[routeOf(r)]; ok {
		return f
	}
	return h.flows[0]
}

// flowRoutes are those of one flow. The paths with {token} are for other programs and for the links in
// mails. The pages post the token in the body, so that it stays out of access logs.
func (h *handler) flowRoutes(f *siteFlow) []route {
	on := func(next http.HandlerFunc) http.HandlerFunc { return h.when(f.enabled, next) }
	all := []route{
		{"POST", f.Form, h.write(on(h.submit))},
		{"POST", f.Form + "/{token}", h.write(on(h.submit))},
		{"GET", f.Form + "/{token}", h.read(h.linkState)},
		{"GET", f.Page, h.shellPage(view{Page: "shell"})},
		{"GET", f.Page + "/{token}", h.read(on(h.changePage))},
		{"GET", f.Pending + "/{ticket}", h.read(h.fromOurs(h.pendingPage))},
		{"GET", f.Done, h.donePage(view{Page: "changed"})},
	}
	if f.cancel == nil {
		return all
	}
	return append(all, []route{
		{"POST", f.CancelForm, h.write(h.cancel)},
		{"POST", f.CancelForm + "/{token}", h.write(h.cancel)},
		{"GET", f.CancelPage, h.shellPage(view{Page: "shell", Canceling: true})},
		{"GET", f.CancelPage + "/{token}", h.cancelPage},
		{"GET", f.Canceling, h.donePage(view{Page: "canceled", Pending: true})},
		{"GET", f.Canceled, h.donePage(view{Page: "canceled"})},
	}...)
}

// formPage is the page of the form that is posted to a route, or "" for another route. A browser
// gets there when it opens the address of a refused form without posting it again.
func (h *handler) formPage(r *http.Request) string {
	f := h.flow(r)
	switch strings.TrimSuffix(routeOf(r), "/{token}") {
	case forgotForm:
		return forgotPath
	case f.Form:
		return f.Page
	case f.CancelForm:
		return f.CancelPage
	}
	return ""
}

// cleanURL is the page's path without the token, for the pages that mails link to.
func (h *handler) cleanURL(path string) string {
	for _, f := range h.flows {
		for _, page := range []string{f.Page, f.CancelPage} {
			if rest, ok := strings.CutPrefix(path, page); ok && page != "" && (rest == "" || rest[0] == '/') {
				return h.base + page
			}
		}
	}
	return ""
}
