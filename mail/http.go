package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rekeyhq/rekey/internal/webhook"
)

const (
	// postWait is how long the application may take, which calls its provider meanwhile.
	postWait  = time.Minute
	maxAnswer = 16 << 10 // bytes of an answer that are read
)

// HTTP hands mails to an application behind a URL, which sends them as it likes. Each mail is one
// signed POST request (Standard Webhooks), with the Message-ID as the webhook-id. It is safe for
// concurrent use. The contract is in docs/mail.md.
type HTTP struct {
	url     string
	secrets webhook.Secrets
	from    *mail.Address
	client  *http.Client
}

// NewHTTP checks the configuration, and sends no request. Secrets sign the requests, one a line:
// whsec_ and 24 to 64 bytes in base64. From is the sender, as in [Config].
func NewHTTP(address, secrets, from string) (*HTTP, error) {
	u, keys, err := webhook.Parse(address, secrets)
	if err != nil {
		return nil, err
	}
	who, err := sender(from)
	if err != nil {
		return nil, err
	}
	return &HTTP{u, keys, who, webhook.NewClient(postWait)}, nil
}

// Close closes idle connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// posted is a mail as the application reads it.
type posted struct {
	ID      string `json:"message_id"` // without angle brackets
	From    string `json:"from"`       // name@example.com or Name <name@example.com>
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
	Raw     []byte `json:"raw"` // the RFC 5322 message, in base64
}

// Send hands over one mail. Its error is an [*Error]. The end of ctx cuts the request; the outcome
// is then the last known one.
func (h *HTTP) Send(ctx context.Context, m Message) error {
	body, err := h.body(m)
	if err != nil {
		return err
	}
	r, sent, err := request(ctx, h.url, body)
	if err != nil {
		return failed(stepConnect, nil, "")
	}
	h.secrets.Sign(r.Header, m.ID, time.Now(), string(body))
	resp, err := h.client.Do(r)
	if err != nil {
		return unanswered(err, sent.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status decides without it, but for a refusal
	return verdict(resp.StatusCode, answer)
}

func (h *HTTP) body(m Message) ([]byte, error) {
	msg, err := compose(h.from, m)
	if err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return nil, &Error{Outcome: Refused, Step: stepAddress}
	}
	return json.Marshal(posted{m.ID, h.from.String(), m.To, m.Subject, m.Text, m.HTML, raw.Bytes()})
}

// request is a POST request, and whether all of its body is given to a connection: from then on the
// application may have the mail. A request that net/http begins again never arrived.
func request(ctx context.Context, address string, body []byte) (*http.Request, *atomic.Bool, error) {
	r, err := webhook.NewRequest(ctx, address, body)
	if err != nil {
		return nil, nil, err
	}
	sent, again := new(atomic.Bool), r.GetBody
	r.Body = &watched{r.Body, len(body), sent}
	r.GetBody = func() (io.ReadCloser, error) {
		sent.Store(false)
		fresh, err := again()
		return &watched{fresh, len(body), sent}, err
	}
	return r, sent, nil
}

// watched is a body that notes when the last byte of it was read.
type watched struct {
	io.ReadCloser
	left int
	read *atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if w.left -= n; w.left <= 0 {
		w.read.Store(true)
	}
	return n, err
}

// unanswered is the error of a request without an answer.
func unanswered(err error, sent bool) *Error {
	dial, isOp := errors.AsType[*net.OpError](err)
	switch {
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return &Error{Outcome: Deferred, Step: stepTLS, Cause: "the certificate of the application is not trusted"}
	case sent:
		return &Error{Outcome: Unknown, Step: stepContent}
	case isOp && dial.Op != "dial":
		return &Error{Outcome: Deferred, Step: stepContent}
	default:
		return &Error{Outcome: Deferred, Step: stepConnect}
	}
}

// verdict is the meaning of an answer. A gateway answers 502 or 504 when it has lost that of the
// application. A refusal is the application's own only with its reason: proxies and frameworks
// have the same statuses. The reason is not kept, since it may quote the address.
func verdict(status int, answer []byte) error {
	var refusal struct {
		Reason string `json:"reason"`
	}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		return &Error{Outcome: Unknown, Code: status, Step: stepContent}
	case (status == http.StatusGone || status == http.StatusUnprocessableEntity) &&
		json.Unmarshal(answer, &refusal) == nil && refusal.Reason != "":
		return &Error{Outcome: Refused, Code: status, Step: stepContent}
	case status == http.StatusUnauthorized:
		return &Error{Outcome: Deferred, Code: status, Step: stepContent, Cause: "the application refuses the signature: compare the secrets and the clocks"}
	default:
		return &Error{Outcome: Deferred, Code: status, Step: stepContent}
	}
}

// Check says whether the URL's host can be reached, proves its identity and speaks HTTP. It sends a
// HEAD request and no mail, so it proves neither the path nor the secrets. Its error is an [*Error].
func (h *HTTP) Check(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, h.url, http.NoBody)
	if err != nil {
		return failed(stepConnect, nil, "")
	}
	r.Header.Set("User-Agent", "rekey")
	resp, err := h.client.Do(r)
	if err != nil {
		return unanswered(err, false)
	}
	_ = resp.Body.Close()
	down := []int{http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	if slices.Contains(down, resp.StatusCode) {
		return &Error{Outcome: Deferred, Code: resp.StatusCode, Step: stepConnect, Cause: "the application is away"}
	}
	return nil
}
