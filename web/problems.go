package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

// Faults of a request before it reaches a reset.
var (
	errNotFound    = errors.New("no such route")
	errMethod      = errors.New("method not allowed")
	errCrossOrigin = errors.New("posted by another site")
	errTooMany     = errors.New("too many requests from this client")
	errDisabled    = errors.New("password reset is switched off")
	errMismatch    = errors.New("the two passwords differ")
)

// problem is one failure of a request, as the client reads it. Its texts are fixed, and the
// catalogue of English has them too. Nothing from
// the request or from an error gets into an answer, except the name of an unknown JSON field
// ([body.UnknownField]).
type problem struct {
	err         error
	Status      int
	Code        string
	Text        string   // one sentence: "error" and "message" in JSON, the headline on a page
	Hint        string   // the reader's next step; on pages only
	Over        bool     // the link is dead: a page offers a new one
	Retry       string   // Retry-After in seconds; "" = none
	Again       bool     // another attempt needs no wait
	Suggestions []string // for a better password
}

// Headline is the text without its full stop.
func (p problem) Headline() string { return strings.TrimRight(p.Text, ".。") }

// problems is the one place where an error becomes an HTTP answer. Each code is in openapi.yaml
// too. No code writes to it.
var problems = []problem{
	{
		err: starter.ErrLinkInvalid, Status: 400, Code: "link_invalid", Over: true,
		Text: "This link is not valid.",
		Hint: "Your mail program may have cut it. Copy the whole link from the email, or request a new one.",
	},
	{
		err: starter.ErrLinkExpired, Status: 400, Code: "link_expired", Over: true,
		Text: "This link has expired.",
		Hint: "For your security, a link works only for a short time. Nothing was changed just now. Request a new one.",
	},
	{
		err: starter.ErrLinkUsed, Status: 400, Code: "link_used", Over: true,
		Text: "This link was already used.",
		Hint: "A password was set with a link of this reset. If it wasn't you, request a new link now and set another password.",
	},
	{
		err: starter.ErrLinkCanceled, Status: 400, Code: "link_canceled", Over: true,
		Text: "This reset was canceled.",
		Hint: "No password was set with its links. To change your password, request a new link.",
	},
	{
		err: starter.ErrLinkEnded, Status: 400, Code: "link_ended", Over: true,
		Text: "This reset ended before the password was changed.",
		Hint: "This link no longer works. To change your password, request a new link.",
	},
	{
		err: starter.ErrLinkRestarted, Status: 400, Code: "link_restarted", Over: true,
		Text: "This reset was restarted.",
		Hint: "A newer email may have a working link. If there is none, request a new link.",
	},
	{
		err: starter.ErrChangeRefused, Status: 400, Code: "change_refused", Over: true,
		Text: "The password could not be changed.",
		Hint: "No password was set with this link, and it no longer works. Request a new one. If that fails, contact support.",
	},
	{
		err: starter.ErrBusy, Status: 503, Code: "busy", Retry: "10",
		Text: "Too many passwords are being set right now.",
		Hint: "Nothing was changed, and your link still works. Try again in a few seconds.",
	},
	{
		err: starter.ErrOverloaded, Status: 503, Code: "overloaded", Retry: "10",
		Text: "Too many people are requesting links right now.",
		Hint: "No email was sent. Try again in a few seconds.",
	},
	{
		err: starter.ErrUnavailable, Status: 503, Code: "unavailable", Retry: "30",
		Text: "Password reset is not available right now.",
		Hint: "Try again in a minute. Retries are safe.",
	},
	{
		err: errDisabled, Status: 400, Code: "password_reset_unavailable",
		Text: "Password reset is switched off.",
		Hint: "Contact support if you cannot sign in.",
	},
	{
		err: errMismatch, Status: 400, Code: "password_mismatch",
		Text: "The two passwords are not the same.",
		Hint: "Nothing was changed, and your link still works.",
	},
	{
		err: account.ErrAddress, Status: 400, Code: "address_invalid",
		Text: "This is not an email address.",
		Hint: "Enter one address such as name@example.com, without a name, spaces or brackets. Pasted text can hold characters that nobody sees: type it.",
	},
	{
		err: errTooMany, Status: 429, Code: "too_many_requests", Retry: "60",
		Text: "Too many requests.",
		Hint: "You or others on your network sent too many requests in the last minute. Nothing was changed just now. Try again in a minute.",
	},
	{
		err: errCrossOrigin, Status: 403, Code: "cross_origin", Again: true,
		Text: "The request came from another site.",
		Hint: "Nothing was done. Open the page here and try again.",
	},
	{err: body.ErrInvalid, Status: 400, Code: "body_invalid", Text: "The body is not valid JSON or form data in UTF-8."},
	{err: body.ErrUnknown, Status: 400, Code: "field_unknown", Text: "The body has an unknown field."},
	{err: body.ErrRepeated, Status: 400, Code: "field_repeated", Text: "The body has a field twice."},
	{err: body.ErrType, Status: 400, Code: "field_type", Text: "Each field of the body must be a string."},
	{err: body.ErrTooLarge, Status: 413, Code: "body_too_large", Text: "The body is larger than 16 KiB."},
	{err: body.ErrContentType, Status: 415, Code: "content_type_unsupported", Text: "The body must be JSON or a form."},
	{err: errMethod, Status: 405, Code: "method_not_allowed", Text: "The method is not allowed here."},
	{
		err: errNotFound, Status: 404, Code: "not_found",
		Text: "Page not found.",
		Hint: "If you followed a link from an email, copy the whole link.",
	},
	internal,
}

// invitationWords are the problems of an invitation. Only the inviting person gives another link.
var invitationWords = []problem{
	{Code: "link_invalid", Hint: "Your mail program may have cut it. Copy the whole link from the email, or ask the person who invited you to send it again."},
	{Code: "link_expired", Text: "This invitation has expired.", Hint: "For your security, it works only for a limited time. Nothing was changed just now. Ask the person who invited you to send it again."},
	{Code: "link_used", Hint: "A password was set with a link of this invitation. If it wasn't you, request a new link now and set another password."},
	{Code: "link_canceled", Text: "This invitation was declined or withdrawn.", Hint: "No password was set with its links. If you want one after all, ask the person who invited you to send it again."},
	{Code: "link_ended", Text: "This invitation has ended.", Hint: "No password was set with its links, and they no longer work. Ask the person who invited you to send it again."},
	{Code: "link_restarted", Text: "This invitation was restarted.", Hint: "A newer email may have a working link. If there is none, ask the person who invited you to send it again."},
	{Code: "change_refused", Text: "The password could not be set.", Hint: "No password was set with this link, and it no longer works. Ask the person who invited you to send it again. If that fails, contact support."},
	{Code: "unavailable", Text: "Invitations are not available right now."},
}

// renewalWords are the problems of a link to replace a blocked password.
var renewalWords = []problem{
	{Code: "link_expired", Hint: "For your security, a link works only for a limited time. Nothing was changed just now. Request a new one."},
	{Code: "link_used", Hint: "A password was set with this link. If it wasn't you, request a new link now and set another password."},
	{Code: "link_canceled", Text: "This link was withdrawn.", Hint: "No password was set with it. To choose a new password, request a new link."},
	{Code: "link_ended", Text: "This link no longer works.", Hint: "No password was set with it. To choose a new password, request a new link."},
	{Code: "link_restarted", Text: "This link was replaced."},
	{Code: "unavailable", Text: "New passwords cannot be set right now."},
}

// say puts a problem in the words of a flow.
func (f *siteFlow) say(p problem) problem {
	if i := slices.IndexFunc(f.words, func(w problem) bool { return w.Code == p.Code }); i >= 0 {
		p.Text, p.Hint = cmp.Or(f.words[i].Text, p.Text), cmp.Or(f.words[i].Hint, p.Hint)
	}
	return p
}

// internal stands for every error that the table does not know.
var internal = problem{
	err: errors.New("internal error"), Status: http.StatusInternalServerError, Code: "internal", Again: true,
	Text: "Something went wrong on our side.",
	Hint: "Try again in a minute.",
}

// problemOf finds the answer to err. A refused password brings its own code and reason; those
// texts are the policy's and never hold the password.
func problemOf(err error) problem {
	if refusal, ok := errors.AsType[*password.Refusal](err); ok {
		return problem{Status: http.StatusBadRequest, Code: string(refusal.Code), Text: refusal.Reason, Suggestions: refusal.Suggestions}
	}
	i := slices.IndexFunc(problems, func(p problem) bool { return errors.Is(err, p.err) })
	if i < 0 {
		return internal
	}
	p := problems[i]
	if u, ok := errors.AsType[*body.UnknownField](err); ok {
		p.Text = u.Text()
	}
	return p
}
