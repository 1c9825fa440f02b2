package codecserver

import "net/http"

// askedHeaders are those that Temporal's UI adds to its requests; it sends an access token
// in the third and an ID token in the last.
const askedHeaders = "Content-Type, X-Namespace, Authorization, Authorization-Extras"

// admit refuses the pages of other origins, and lets the browser show the UI's pages the answer
// (Fetch Standard, section 3.3, CORS protocol). A request without Origin is from no page: a
// browser sends one with every POST.
//
// The origin is compared, never copied into the answer.
func (h *handler) admit(head http.Header, r *http.Request) error {
	switch origin := r.Header.Values("Origin"); {
	case len(origin) == 0:
		return nil
	case len(origin) > 1 || origin[0] != h.Origin:
		return errOrigin
	}
	head.Set("Access-Control-Allow-Origin", h.Origin)
	if h.Cookies {
		head.Set("Access-Control-Allow-Credentials", "true")
	}
	return nil
}

// preflight answers the request that a browser sends before the UI's request. It carries no
// credentials, so the answer reveals nothing.
func (h *handler) preflight(w http.ResponseWriter, r *http.Request) (status int, err error) {
	if r.Header.Get("Origin") == "" {
		return 0, errOrigin
	}
	head := w.Header()
	head.Set("Access-Control-Allow-Methods", http.MethodPost)
	head.Set("Access-Control-Allow-Headers", askedHeaders)
	head.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return http.StatusNoContent, nil
}
