package codecserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/zerolog"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/keys"
)

// MaxBody bounds a request's body in bytes. The payloads of a whole run are a tenth of it.
const MaxBody = 1 << 20

// maxNamespace is more than Temporal allows a namespace's name.
const maxNamespace = 255

// Decoder opens payloads, all or none. *keys.Codec is one; that it also seals is nothing
// that this package can reach.
type Decoder interface {
	// Decode returns the opened payloads, as many and in the order of the sealed ones. It must
	// be safe for concurrent use.
	// Errors: keys.ErrForeign, keys.ErrUnknownKey.
	Decode([]*commonpb.Payload) ([]*commonpb.Payload, error)
}

// Config is the configuration of a handler.
type Config struct {
	Decoder Decoder
	// Origin is that of Temporal's UI, as browsers send it: https://temporal.example.com.
	// Pages of every other origin are refused.
	Origin string
	// Auth are the ways to authenticate a sender; one of them must agree.
	Auth []Auth
	// Cookies lets the UI send cookies, which a proxy in front of this server reads.
	Cookies bool
	Log     zerolog.Logger
}

// New returns the handler of POST /decode, and of POST /encode for no payloads. It refuses a
// configuration that admits every client.
func New(c Config) (http.Handler, error) {
	if len(c.Auth) == 0 {
		return nil, errors.New("a codec server must authenticate callers")
	}
	if err := CheckOrigin(c.Origin); err != nil {
		return nil, err
	}
	return &handler{c}, nil
}

// CheckOrigin refuses a value that no browser sends as an origin: it would never match. An
// attacker who alters a page on its way reads its data, so an origin elsewhere is https.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Scheme+"://"+u.Host != origin:
		return errors.New("want an origin such as https://temporal.example.com, without a path")
	case !loopback.Sealed(u):
		return errors.New("want https for an origin that is not on this machine")
	default:
		return nil
	}
}

type handler struct{ Config }

// request is a request in the log.
type request struct {
	who      string
	payloads int
}

// ServeHTTP answers, and writes one line to the log, which holds no content.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	var did request
	status, err := h.serve(w, r, &did)
	code := ""
	if err != nil {
		p := problemOf(err)
		status, code = p.Status, p.Code
		refuse(w, p)
	}
	level, fault := zerolog.InfoLevel, error(nil)
	if status >= http.StatusInternalServerError {
		level, fault = zerolog.ErrorLevel, err
	}
	h.Log.WithLevel(level).Err(fault).Str("method", r.Method).Int("status", status).Str("code", code).
		Str("who", did.who).Str("namespace", namespace(r)).Int("payloads", did.payloads).
		Str("client", r.RemoteAddr).Dur("ms", time.Since(start)).
		Msg("codec request")
}

// serve answers a request, or returns why it does not.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, did *request) (status int, err error) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Vary", "Origin")
	if err := h.admit(head, r); err != nil {
		return 0, err
	}
	do, known := map[string]func(*handler, []*commonpb.Payload) error{
		"/decode": (*handler).open,
		"/encode": (*handler).seal,
	}[r.URL.Path]
	switch {
	case !known:
		return 0, errPath
	case r.Method == http.MethodOptions:
		return h.preflight(w, r)
	case r.Method != http.MethodPost:
		head.Set("Allow", "POST, OPTIONS")
		return 0, errMethod
	}
	if did.who, err = Sender(h.Auth, r); err != nil {
		return 0, err
	}
	payloads, err := read(w, r)
	if err != nil {
		return 0, err
	}
	did.payloads = len(payloads)
	if err := do(h, payloads); err != nil {
		return 0, err
	}
	return give(w, payloads)
}

// give answers with payloads.
func give(w http.ResponseWriter, payloads []*commonpb.Payload) (status int, err error) {
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: payloads})
	if err != nil {
		return 0, fmt.Errorf("write %d payloads as JSON", len(payloads)) // its error quotes them
	}
	answer(w, http.StatusOK, body)
	return http.StatusOK, nil
}

// open replaces sealed payloads by their content. Payloads that do not claim to be sealed stay
// as they are: the sender has read them already. Temporal's UI sends search attributes too,
// which are never sealed. A foreign signal in clear must not keep an operator from reading its
// run.
func (h *handler) open(payloads []*commonpb.Payload) error {
	var sealed []*commonpb.Payload
	for _, p := range payloads {
		if keys.IsSealed(p) {
			sealed = append(sealed, p)
		}
	}
	opened, err := h.Decoder.Decode(sealed)
	if err != nil {
		return err
	}
	for i, p := range payloads {
		if keys.IsSealed(p) {
			payloads[i], opened = opened[0], opened[1:]
		}
	}
	return nil
}

// seal seals none. Temporal's command line has the arguments of a query or signal sealed first,
// also when there are none. Without an answer it gives up.
func (*handler) seal(payloads []*commonpb.Payload) error {
	if len(payloads) > 0 {
		return errEncode
	}
	return nil
}

// read reads the payloads of a request. Its errors quote nothing of them.
func read(w http.ResponseWriter, r *http.Request) ([]*commonpb.Payload, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, errContentType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, errBodyTooLong
	}
	var sealed commonpb.Payloads
	if err != nil || protojson.Unmarshal(body, &sealed) != nil {
		return nil, errBody
	}
	return sealed.Payloads, nil
}

// namespace is the client's claim; it decides nothing.
func namespace(r *http.Request) string {
	name := r.Header.Get("X-Namespace")
	return name[:min(len(name), maxNamespace)]
}

func refuse(w http.ResponseWriter, p problem) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = nil // not reached: two strings
	}
	answer(w, p.Status, body)
}

func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that hung up is no fault
}
