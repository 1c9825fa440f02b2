// Package verifyemail asks people whether an address is theirs. It is a flow of one's own beside
// those of rekey, explained in docs/flows.md.
package verifyemail

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
)

// Definition is the flow: the work of each state.
var Definition = flow.Definition{
	Name:    "VerifyEmail",
	Kind:    "verify-email",
	Summary: "verification of an address",
	Table:   table,
	Steps: flow.Steps{
		statemachine.StateRequested:      flow.MailFirstLink,
		statemachine.StateAwaitingToken:  flow.AwaitToken,
		statemachine.StateTokenSubmitted: flow.Apply,
	},
}

// table has the events that each state allows, and the state that follows.
var table = statemachine.Table[statemachine.State, statemachine.Event]{
	{From: statemachine.StateRequested, Event: statemachine.LinkSent, To: statemachine.StateAwaitingToken},
	{From: statemachine.StateRequested, Event: statemachine.LinkWithheld, To: statemachine.StateAwaitingToken},
	{From: statemachine.StateRequested, Event: statemachine.TokenSubmitted, To: statemachine.StateTokenSubmitted},
	{From: statemachine.StateRequested, Event: statemachine.Cancel, To: statemachine.StateCanceled},

	{From: statemachine.StateAwaitingToken, Event: statemachine.LinkSent, To: statemachine.StateAwaitingToken}, // another link
	{From: statemachine.StateAwaitingToken, Event: statemachine.LinkWithheld, To: statemachine.StateAwaitingToken},
	{From: statemachine.StateAwaitingToken, Event: statemachine.TokenSubmitted, To: statemachine.StateTokenSubmitted},
	{From: statemachine.StateAwaitingToken, Event: statemachine.Expire, To: statemachine.StateExpired},
	{From: statemachine.StateAwaitingToken, Event: statemachine.Cancel, To: statemachine.StateCanceled},

	{From: statemachine.StateTokenSubmitted, Event: statemachine.Applied, To: statemachine.StateCompleted},
	{From: statemachine.StateTokenSubmitted, Event: statemachine.ChangeRefused, To: statemachine.StateRefused},
	{From: statemachine.StateTokenSubmitted, Event: statemachine.TokenUnknown, To: statemachine.StateAwaitingToken},
}

const (
	life       = 24 * time.Hour // of a link
	page       = "/account/verify-email/"
	cancelPage = "/account/not-my-address/"
)

// Flow is the part of the worker. Mark is a function of the application: it notes that an address
// is verified, unless the account has another one by now. A crash can repeat the call.
func Flow(mark func(ctx context.Context, accountID, address string) error) activities.Flow {
	return activities.Flow{
		Definition: Definition,
		MaxLife:    life,
		Mail:       write,
		Page:       page,
		CancelPage: cancelPage,
		Apply: func(ctx context.Context, owner account.Account, _ account.Change) error {
			return mark(ctx, owner.ID, owner.Address)
		},
	}
}

const text = `Hello,

someone, hopefully you, has an account of %s with this address.
Is the address yours? Then say so here:

%s

The link works for %s and only once.

Wasn't you? Ignore this email, or cancel the question:

%s
`

func write(t *mail.Templates, to, messageID string, l activities.Link) (mail.Message, error) {
	body := fmt.Sprintf(text, t.Product(), l.URL, mail.InWords(l.Life), l.CancelURL)
	return mail.Plain(to, messageID, "Is this your address?", body), nil
}

// Client is the part of the starter. Its Demand asks the owner of an address.
func Client(resets *starter.Client) *starter.Client { return resets.Of(Definition, life) }

// Handler has the page behind the links: a button. Only its POST changes something, because
// scanners follow the links of mails.
func Handler(c *starter.Client) http.Handler {
	mux := http.NewServeMux()
	serve(mux, page, view{Button: "Yes, this is my address", Text: "The address is verified. Thank you."}, c.Confirm)
	serve(mux, cancelPage, view{Button: "No, I did not ask for this", Text: "The address will not be verified."}, c.Cancel)
	return mux
}

func serve(mux *http.ServeMux, path string, v view, use func(ctx context.Context, token string) error) {
	mux.HandleFunc("GET "+path+"{token}", func(w http.ResponseWriter, _ *http.Request) {
		show(w, http.StatusOK, view{Button: v.Button, Text: "Please choose:"})
	})
	mux.HandleFunc("POST "+path+"{token}", func(w http.ResponseWriter, r *http.Request) {
		switch err := use(r.Context(), r.PathValue("token")); {
		case err == nil:
			show(w, http.StatusOK, view{Text: v.Text})
		case errors.Is(err, starter.ErrPending):
			show(w, http.StatusAccepted, view{Text: "Thank you. It takes a moment."})
		case errors.Is(err, starter.ErrUnavailable):
			show(w, http.StatusServiceUnavailable, view{Button: v.Button, Text: "Please try again."})
		default: // expired, canceled, used, or no link of this flow
			show(w, http.StatusGone, view{Text: "This link does not work any more."})
		}
	})
}

type view struct{ Text, Button string } // no button when it is empty

var layout = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your address</title><h1>Your address</h1><p>{{.Text}}</p>
{{with .Button}}<form method="post"><button>{{.}}</button></form>{{end}}
`))

// show keeps the link, which is a secret, from other sites and caches.
func show(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = layout.Execute(w, v)
}
