package backend

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/starter"
)

var (
	errNotFound = errors.New("no such route")
	errMethod   = errors.New("method not allowed")
)

// answer is the JSON answer to a request. That to a refused one is as in package web.
type answer struct {
	Status  string `json:"status"` // accepted, or error
	Code    string `json:"code,omitempty"`
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"` // the same text
}

// result is the end of a request. Its texts are fixed. Nothing from the request or from an error
// gets into an answer, except the name of an unknown field ([body.UnknownField]).
type result struct {
	err    error
	Status int
	Code   string
	Text   string
	Retry  string // Retry-After in seconds; "" = none
}

var (
	accepted = result{Status: http.StatusAccepted, Code: "accepted"}
	// internal stands for every error that the table does not know.
	internal = result{errors.New("internal error"), http.StatusInternalServerError, "internal", "Something went wrong on our side.", ""}
)

// problems is the one place where an error becomes an answer. Each code is in openapi.yaml too. No
// code writes to it.
var problems = []result{
	{errUnauthorized, http.StatusUnauthorized, "unauthorized", "Authentication is required.", ""},
	{errNotFound, http.StatusNotFound, "not_found", "There is no such route.", ""},
	{errMethod, http.StatusMethodNotAllowed, "method_not_allowed", "The method is not allowed here.", ""},
	{body.ErrContentType, http.StatusUnsupportedMediaType, "content_type_unsupported", "The body must be JSON.", ""},
	{body.ErrTooLarge, http.StatusRequestEntityTooLarge, "body_too_large", "The body is too large: 16 KiB at most, 2 MiB with a list of addresses.", ""},
	{body.ErrInvalid, http.StatusBadRequest, "body_invalid", "The body is not a JSON object in UTF-8.", ""},
	{body.ErrUnknown, http.StatusBadRequest, "field_unknown", "The body has an unknown field.", ""},
	{body.ErrRepeated, http.StatusBadRequest, "field_repeated", "The body has a field twice.", ""},
	{body.ErrType, http.StatusBadRequest, "field_type", "Each field of the body must be a string.", ""},
	{account.ErrAddress, http.StatusBadRequest, "address_invalid", "The address is missing, or is not one email address.", ""},
	{ErrLife, http.StatusBadRequest, "life_invalid", "The life must be 1h to 168h, such as 72h.", ""},
	{ErrInviter, http.StatusBadRequest, "inviter_invalid", "The inviter must be one line of at most 64 characters.", ""},
	{ErrReason, http.StatusBadRequest, "reason_invalid", "The reason must be one line of 1 to 200 characters.", ""},
	{ErrID, http.StatusBadRequest, "id_invalid", "The ID must have at most 64 letters, digits, dots, dashes and underlines.", ""},
	{operator.ErrRate, http.StatusBadRequest, "rate_invalid", "The rate must be 1/h to 500/s, such as 50/s.", ""},
	{operator.ErrList, http.StatusBadRequest, "addresses_invalid", "Want all, which is \"true\", or addresses: a list of 1 to 20000, one a line, in 1 MB, without after.", ""},
	{errDryRun, http.StatusBadRequest, "dry_run_invalid", "The dry run must be true or false, as a string.", ""},
	{operator.ErrCampaign, http.StatusConflict, "campaign_open", "A campaign is going on.", ""},
	{operator.ErrNoCampaign, http.StatusConflict, "no_campaign", "There is no campaign that Temporal keeps.", ""},
	{operator.ErrCampaignOver, http.StatusConflict, "campaign_over", "The campaign is over.", ""},
	{operator.ErrCommand, http.StatusConflict, "command_refused", "Another command came first: look at the campaign, and try again.", ""},
	{ErrKind, http.StatusBadRequest, "kind_invalid", "The kind must be bounce or complaint.", ""},
	{starter.ErrMessageUnknown, http.StatusBadRequest, "message_unknown", "The Message-ID is none of a mail with a link.", ""},
	{starter.ErrNoRun, http.StatusConflict, "nothing_open", "No invitation of the address is open.", ""},
	{starter.ErrOverloaded, http.StatusServiceUnavailable, "overloaded", "Too much is requested right now. Nothing was done.", "10"},
	{starter.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "The request was not accepted, as far as is known. Retries are safe.", "30"},
	internal,
}

// resultOf finds the answer to err.
func resultOf(err error) result {
	if err == nil {
		return accepted
	}
	for _, p := range problems {
		if errors.Is(err, p.err) {
			if u, ok := errors.AsType[*body.UnknownField](err); ok {
				p.Text = u.Text()
			}
			if line, ok := errors.AsType[*operator.AddressError](err); ok {
				p.Text = fmt.Sprintf("Address %d of the list is not one email address.", line.Number)
			}
			return p
		}
	}
	return internal
}
