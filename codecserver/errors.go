package codecserver

import (
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/keys"
)

// Errors of an Auth.
var (
	// ErrUnknown means that a request does not prove its sender.
	ErrUnknown = errors.New("the caller is not authenticated")
	// ErrUnavailable means that it may, and that the proof cannot be checked now.
	ErrUnavailable = errors.New("the caller cannot be authenticated now")
)

var (
	errPath        = errors.New("no such path")
	errMethod      = errors.New("no such method")
	errOrigin      = errors.New("foreign origin")
	errContentType = errors.New("not a JSON content type")
	errBody        = errors.New("not JSON of payloads")
	errBodyTooLong = errors.New("body too long")
	errEncode      = errors.New("payloads to seal")
)

// problem is the body of an error. The texts are fixed: they quote nothing and do not say which
// of the payloads was at fault.
type problem struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// problems maps each error to its answer. Temporal's UI repeats a request after a 5xx and
// gives up after a 4xx.
func problems() []struct {
	err error
	problem
} {
	return []struct {
		err error
		problem
	}{
		{errPath, problem{http.StatusNotFound, "not_found", "Not found. This server has only /decode and /encode."}},
		{errMethod, problem{http.StatusMethodNotAllowed, "method_not_allowed", "Send payloads with POST."}},
		{errOrigin, problem{http.StatusForbidden, "origin_refused", "This page may not read payloads: see --ui-origin."}},
		{errEncode, problem{http.StatusForbidden, "encode_refused", "This server opens payloads and makes none."}},
		{ErrUnknown, problem{http.StatusUnauthorized, "unauthorized", "Authentication is required."}},
		{ErrUnavailable, problem{http.StatusServiceUnavailable, "auth_unavailable", "Your identity cannot be checked now. Try again later."}},
		{errContentType, problem{http.StatusUnsupportedMediaType, "content_type_unsupported", "Send application/json."}},
		{errBodyTooLong, problem{http.StatusRequestEntityTooLarge, "body_too_large", "Send fewer payloads at once."}},
		{errBody, problem{http.StatusBadRequest, "body_invalid", "Send the JSON of Temporal's Payloads message."}},
		{keys.ErrForeign, problem{http.StatusUnprocessableEntity, "payload_foreign", "A payload was not sealed under these keys."}},
		{keys.ErrUnknownKey, problem{http.StatusUnprocessableEntity, "key_unknown", "A payload was sealed under a newer key: give this server the present payload.json."}},
	}
}

func problemOf(err error) problem {
	for _, p := range problems() {
		if errors.Is(err, p.err) {
			return p.problem
		}
	}
	return problem{http.StatusInternalServerError, "internal", "Something is wrong here: see the log."}
}
