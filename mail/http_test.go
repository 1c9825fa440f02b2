package mail_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/webhook"
	"github.com/rekeyhq/rekey/mail"
)

var httpKey = []byte("0123456789abcdef0123456789abcdef")

func secretOf(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// posting returns a sender of mails to an application on loopback.
func posting(t *testing.T, app http.HandlerFunc, secrets ...string) *mail.HTTP {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return postingTo(t, server.URL+"/rekey/mails", secrets...)
}

func postingTo(t *testing.T, address string, secrets ...string) *mail.HTTP {
	t.Helper()
	h, err := mail.NewHTTP(address, strings.Join(append(secrets, secretOf(httpKey)), "\n"), "Acme <no-reply@example.com>")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// security 47: a mail is signed with each secret, so that the application may have either. Its
// webhook-id is the Message-ID.
func TestPost(t *testing.T) {
	t.Parallel()
	type posted struct {
		ID      string `json:"message_id"`
		From    string `json:"from"`
		To      string `json:"to"`
		Subject string `json:"subject"`
		Text    string `json:"text"`
		HTML    string `json:"html"`
		Raw     []byte `json:"raw"`
	}
	var got posted
	for _, secrets := range [][]string{nil, {secretOf(make([]byte, 32))}} {
		h := posting(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || json.Unmarshal(body, &got) != nil {
				t.Errorf("body %q, %v", body, err)
			}
			mac := hmac.New(sha256.New, httpKey)
			fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), body)
			signature := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
			if !slices.Contains(strings.Fields(r.Header.Get("Webhook-Signature")), signature) || r.Header.Get("Webhook-Id") != hello.ID {
				t.Errorf("headers %v", r.Header)
			}
			w.WriteHeader(http.StatusNoContent)
		}, secrets...)
		if err := h.Send(t.Context(), hello); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := netmail.ReadMessage(strings.NewReader(string(got.Raw)))
	if err != nil || raw.Header.Get("Message-Id") != "<"+hello.ID+">" || raw.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("raw message %q, %v", got.Raw, err)
	}
	got.Raw = nil
	if diff := cmp.Diff(posted{hello.ID, `"Acme" <no-reply@example.com>`, hello.To, hello.Subject, hello.Text, hello.HTML, nil}, got); diff != "" {
		t.Error(diff)
	}
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
}

// raw answers with text alone, and ends its side of the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		fmt.Fprint(conn, text)
		_ = conn.(*net.TCPConn).CloseWrite() // half of it: the other one stays open
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// The status decides, and a refusal needs its reason. A lost answer leaves a mail open, also when a
// gateway has lost it. security 23: a link is kept alive exactly when its mail may have arrived.
func TestPostOutcomes(t *testing.T) {
	t.Parallel()
	const private = "owner@example.net"
	const reason = `{"reason": "` + private + ` has no mailbox"}`
	deferred := func(code int) *mail.Error { return &mail.Error{Outcome: mail.Deferred, Code: code, Step: "content"} }
	refused := func(code int) *mail.Error { return &mail.Error{Outcome: mail.Refused, Code: code, Step: "content"} }
	unknown := func(code int) *mail.Error { return &mail.Error{Outcome: mail.Unknown, Code: code, Step: "content"} }
	unsigned := deferred(401)
	unsigned.Cause = "the application refuses the signature: compare the secrets and the clocks"
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   *mail.Error
	}{
		"200":     {says(200, ""), nil},
		"garbage": {says(202, private), nil},
		"huge":    {says(200, strings.Repeat(" ", 2<<20)), nil},
		"lying":   {says(200, reason), nil},
		"cut off": {raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), nil},

		"422":                  {says(422, reason), refused(422)},
		"410":                  {says(410, reason), refused(410)},
		"422 of a framework":   {says(422, `{"detail": "`+private+`"}`), deferred(422)},
		"422 of a proxy":       {says(422, "<html>"), deferred(422)},
		"422 without a reason": {says(422, `{"reason": ""}`), deferred(422)},
		"422 without an end":   {says(422, `{"reason": "`+strings.Repeat("x", 1<<20)+`"}`), deferred(422)},
		"410 of a proxy":       {says(410, ""), deferred(410)},

		"400":      {says(400, reason), deferred(400)},
		"401":      {says(401, reason), unsigned},
		"404":      {says(404, reason), deferred(404)},
		"429":      {says(429, reason), deferred(429)},
		"500":      {says(500, reason), deferred(500)},
		"503":      {says(503, reason), deferred(503)},
		"redirect": {http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, deferred(307)},

		"502":         {says(502, ""), unknown(502)},
		"504":         {says(504, reason), unknown(504)},
		"hung up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, unknown(0)},
		"no HTTP":     {raw(private + "\r\n\r\n"), unknown(0)},
		"half-closed": {raw(""), unknown(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := make(chan string, 9)
			err := posting(t, func(w http.ResponseWriter, r *http.Request) {
				calls <- r.URL.Path
				tc.answer(w, r)
			}).Send(t.Context(), hello)
			if tc.want == nil {
				if err != nil {
					t.Error(err)
				}
			} else if diff := cmp.Diff(tc.want, fails(t, err)); diff != "" {
				t.Error(diff)
			}
			if len(calls) != 1 || <-calls != "/rekey/mails" {
				t.Error("want one request to the URL")
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, err), private) || errors.Unwrap(err) != nil {
				t.Errorf("the error quotes the answer: %v", err)
			}
		})
	}
}

// An application that is silent, or slow, holds a mail for the timeout and no longer. It may have it.
func TestPostIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		},
		"slow": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, err = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nServer: ")
			}
			next := time.NewTicker(10 * time.Millisecond)
			defer next.Stop()
			for err == nil { // until the client hangs up
				<-next.C
				_, err = fmt.Fprint(conn, "x")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := posting(t, answer)
			h.Hurry(time.Second)
			want := &mail.Error{Outcome: mail.Unknown, Step: "content"}
			if diff := cmp.Diff(want, fails(t, h.Send(t.Context(), hello))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An application that has not read the whole mail has not taken it.
func TestPostTorn(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, 1<<20)
		conn.Close()
	}()
	m := hello
	m.Text = strings.Repeat("more than any buffer holds\n", 1<<20)
	err = postingTo(t, "http://"+listener.Addr().String()).Send(t.Context(), m)
	if diff := cmp.Diff(&mail.Error{Outcome: mail.Deferred, Step: "content"}, fails(t, err)); diff != "" {
		t.Error(diff)
	}
}

// The end of the activity ends a request to an application that is silent.
func TestPostCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	h := posting(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		cancel()
		<-r.Context().Done()
	})
	if e := fails(t, h.Send(ctx, hello)); e.Outcome != mail.Unknown {
		t.Errorf("after the content: %v", e)
	}
	if e := fails(t, h.Send(ctx, hello)); e.Outcome != mail.Deferred {
		t.Errorf("before a connection: %v", e)
	}
}

// A peer that is away, or proves another name, never saw the mail.
func TestPostToNobody(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	for address, want := range map[string]*mail.Error{
		closed.URL:   {Outcome: mail.Deferred, Step: "connect"},
		stranger.URL: {Outcome: mail.Deferred, Step: "tls", Cause: "the certificate of the application is not trusted"},
	} {
		h := postingTo(t, address)
		if diff := cmp.Diff(want, fails(t, h.Send(t.Context(), hello))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want, fails(t, h.Check(t.Context()))); diff != "" {
			t.Error(diff)
		}
	}
}

// A check sends no mail. A gateway without its application is not well.
func TestPostCheck(t *testing.T) {
	t.Parallel()
	for code, well := range map[int]bool{200: true, 405: true, 404: true, 502: false, 503: false, 504: false} {
		err := posting(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodHead || r.Header.Get("Webhook-Signature") != "" {
				t.Errorf("%s with %v", r.Method, r.Header)
			}
			w.WriteHeader(code)
		}).Check(t.Context())
		if (err == nil) != well {
			t.Errorf("%d: %v", code, err)
		}
	}
}

// An address that is none is refused without a request.
func TestPostWithoutAddress(t *testing.T) {
	t.Parallel()
	h := posting(t, func(http.ResponseWriter, *http.Request) { t.Error("a request") })
	m := hello
	m.To = "a@example.com, b@example.com"
	if diff := cmp.Diff(&mail.Error{Outcome: mail.Refused, Step: "address"}, fails(t, h.Send(t.Context(), m))); diff != "" {
		t.Error(diff)
	}
}

// security 47: beyond this machine no link travels in clear.
func TestNewHTTP(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		url, secrets, from string
		want               error
	}{
		{"https://app.example.com/rekey/mails", secretOf(httpKey), "no-reply@example.com", nil},
		{"http://app.example.com/rekey/mails", secretOf(httpKey), "no-reply@example.com", webhook.ErrClear},
		{"https://app.example.com/?key=1", secretOf(httpKey), "no-reply@example.com", webhook.ErrURL},
		{"https://app.example.com", "hunter2", "no-reply@example.com", webhook.ErrSecret},
	} {
		if _, err := mail.NewHTTP(tc.url, tc.secrets, tc.from); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.url, err, tc.want)
		}
	}
	if _, err := mail.NewHTTP("https://app.example.com", secretOf(httpKey), "nobody"); err == nil {
		t.Error("a sender without an address")
	}
}
