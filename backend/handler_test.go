package backend_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/internal/telemetry"
	"github.com/rekeyhq/rekey/starter"
)

const (
	invitations = "/v1/invitations"
	resend      = "/v1/invitations/resend"
	cancel      = "/v1/invitations/cancel"
	forced      = "/v1/forced-resets"
	bounces     = "/v1/bounces"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	const by = ` by token 1 from 192.0.2.1`
	for _, tc := range []struct{ path, body, want string }{
		{invitations, `{"address":"ann@example.com"}`, `invite ann@example.com 0s ""`},
		{invitations, `{"address":"Ann@Example.com","life":"1h","inviter":"Bo Ek"}`, `invite ann@example.com 1h0m0s "Bo Ek"`},
		{invitations, `{"address":"ann@example.com","life":"168h","inviter":""}`, `invite ann@example.com 168h0m0s ""`},
		{invitations, `{"address":"ann@example.com","inviter":"` + strings.Repeat("ö", 64) + `"}`, `invite ann@example.com 0s "` + strings.Repeat("ö", 64) + `"`},
		{resend, `{"address":"ann@example.com"}`, `resend ann@example.com`},
		{cancel, `{"address":"ann@example.com"}`, `cancel ann@example.com`},
		{bounces, `{"message_id":"<a1@example.com>","kind":"bounce"}`, `bounce <a1@example.com>`},
		{bounces, `{"message_id":"a1@example.com","kind":"complaint"}`, `complaint a1@example.com`},
		{forced, `{"address":"ann@example.com","reason":"a <stolen> laptop"}`, `force ann@example.com "a <stolen> laptop"`},
		{forced, `{"address":"ann@example.com","reason":"stolen","id":"4711-a"}`, `force ann@example.com "stolen"4711-a`},
		{forced, `{"address":"ann@example.com","reason":"` + strings.Repeat("ö", 200) + `"}`, `force ann@example.com "` + strings.Repeat("ö", 200) + `"`},
	} {
		flows := &fakeFlows{}
		h, _ := newHandler(t, flows)
		w := ask(h, post, tc.path, tc.body)
		if w.Code != 202 || w.Body.String() != `{"status":"accepted"}`+"\n" || flows.taken() != tc.want+by {
			t.Errorf("%s %s: %d %s, called %s", tc.path, tc.body, w.Code, w.Body, flows.taken())
		}
		want := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"}}
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", tc.path, diff)
		}
	}
}

// security 19: a malformed request begins nothing and has a code.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const ann = `{"address":"ann@example.com"}`
	with := func(more string) string { return `{"address":"ann@example.com",` + more + `}` }
	for _, tc := range []struct {
		method, path, body, media string
		status                    int
		code                      string
	}{
		{post, "/", ann, "", 404, "not_found"},
		{post, "/v1/invitations/", ann, "", 404, "not_found"},
		{post, "//v1/invitations", ann, "", 404, "not_found"},
		{post, "/v1/invitations/ann@example.com", "", "", 404, "not_found"},
		{post, "/account/forgot_password", ann, "", 404, "not_found"},
		{http.MethodGet, invitations, "", "", 405, "method_not_allowed"},
		{http.MethodPut, forced, ann, "", 405, "method_not_allowed"},
		{http.MethodOptions, forced, "", "", 405, "method_not_allowed"},
		{post, invitations, "address=ann@example.com", "application/x-www-form-urlencoded", 415, "content_type_unsupported"},
		{post, invitations, ann, "text/plain", 415, "content_type_unsupported"},
		{post, invitations, ann, "application/json; charset=utf-16", 415, "content_type_unsupported"},
		{post, invitations, "", "none", 415, "content_type_unsupported"},
		{post, invitations, `{"address":"` + strings.Repeat("a", 16<<10) + `"}`, "", 413, "body_too_large"},
		{post, invitations, "", "", 400, "body_invalid"},
		{post, invitations, `[]`, "", 400, "body_invalid"},
		{post, invitations, ann + ann, "", 400, "body_invalid"},
		{post, invitations, "{\"address\":\"\xff@example.com\"}", "", 400, "body_invalid"},
		{post, invitations, `{}`, "", 400, "address_invalid"},
		{post, invitations, `{"address":"ann"}`, "", 400, "address_invalid"},
		{post, resend, `{"address":"ann@example.com,bo@example.com"}`, "", 400, "address_invalid"},
		{post, cancel, `{"address":""}`, "", 400, "address_invalid"},
		{post, forced, `{"reason":"stolen"}`, "", 400, "address_invalid"},
		{post, invitations, `{"address":["ann@example.com"]}`, "", 400, "field_type"},
		{post, invitations, with(`"life":72`), "", 400, "field_type"},
		{post, invitations, with(`"reason":"stolen"`), "", 400, "field_unknown"},
		{post, resend, with(`"life":"72h"`), "", 400, "field_unknown"},
		{post, forced, with(`"inviter":"Bo"`), "", 400, "field_unknown"},
		{post, invitations, `{"Address":"ann@example.com"}`, "", 400, "field_unknown"},
		{post, invitations, with(`"address":"bo@example.com"`), "", 400, "field_repeated"},
		{post, bounces, `{"message_id":"a1@example.com"}`, "", 400, "kind_invalid"},
		{post, bounces, `{"message_id":"a1@example.com","kind":"Bounce"}`, "", 400, "kind_invalid"},
		{post, bounces, with(`"kind":"bounce"`), "", 400, "field_unknown"},
		{http.MethodGet, bounces, "", "", 405, "method_not_allowed"},
		{post, invitations, with(`"life":""`), "", 400, "life_invalid"},
		{post, invitations, with(`"life":"3d"`), "", 400, "life_invalid"},
		{post, invitations, with(`"life":"0s"`), "", 400, "life_invalid"},
		{post, invitations, with(`"life":"-72h"`), "", 400, "life_invalid"},
		{post, invitations, with(`"life":"59m59s"`), "", 400, "life_invalid"},
		{post, invitations, with(`"life":"168h0m1s"`), "", 400, "life_invalid"},
		{post, invitations, with(`"life":"9999999999h"`), "", 400, "life_invalid"},
		{post, invitations, with(`"inviter":"` + strings.Repeat("ö", 65) + `"`), "", 400, "inviter_invalid"},
		{post, invitations, with(`"inviter":"Bo\nBcc: eve@example.com"`), "", 400, "inviter_invalid"},
		{post, invitations, with(`"inviter":"Bo\u202eKE"`), "", 400, "inviter_invalid"},
		{post, forced, ann, "", 400, "reason_invalid"},
		{post, forced, with(`"reason":"stolen","id":"a b"`), "", 400, "id_invalid"},
		{post, forced, with(`"reason":"stolen","id":"` + strings.Repeat("a", 65) + `"`), "", 400, "id_invalid"},
		{post, forced, with(`"reason":""`), "", 400, "reason_invalid"},
		{post, forced, with(`"reason":"  "`), "", 400, "reason_invalid"},
		{post, forced, with(`"reason":"` + strings.Repeat("ö", 201) + `"`), "", 400, "reason_invalid"},
		{post, forced, with(`"reason":"stolen\u0000"`), "", 400, "reason_invalid"},
	} {
		flows := &fakeFlows{}
		h, _ := newHandler(t, flows)
		var headers []string
		switch tc.media {
		case "":
		case "none":
			headers = []string{"Content-Type: "}
		default:
			headers = []string{"Content-Type: " + tc.media}
		}
		w := ask(h, tc.method, tc.path, tc.body, headers...)
		if w.Code != tc.status || codeOf(t, w.Body.Bytes()) != tc.code || flows.taken() != "" {
			t.Errorf("%s %s %.60s: %d %s, called %s", tc.method, tc.path, tc.body, w.Code, w.Body, flows.taken())
		}
		if (w.Header().Get("Allow") == "POST") != (tc.status == 405) {
			t.Errorf("%s %s: Allow %q", tc.method, tc.path, w.Header().Get("Allow"))
		}
	}
}

// The answer names the wrong field and the known ones, for the author of the client.
func TestUnknownFieldIsNamed(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, &fakeFlows{})
	w := ask(h, post, invitations, `{"email":"ann@example.com"}`)
	if !strings.Contains(w.Body.String(), `The body has the unknown field \"email\". Known: address, life, inviter.`) {
		t.Error(w.Body)
	}
}

// security 19: a query ends up in logs, so nothing works from there.
func TestQueryIsIgnored(t *testing.T) {
	t.Parallel()
	flows := &fakeFlows{}
	h, _ := newHandler(t, flows)
	if w := ask(h, post, resend+"?address=ann@example.com", `{}`); w.Code != 400 || flows.taken() != "" {
		t.Errorf("%d, called %s", w.Code, flows.taken())
	}
	if w := ask(h, post, resend+"?access_token="+token, `{"address":"ann@example.com"}`, "Authorization: "); w.Code != 401 || flows.taken() != "" {
		t.Errorf("%d, called %s", w.Code, flows.taken())
	}
}

// Each error of the contract has one answer, which holds no text of an error.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err    error
		status int
		code   string
		retry  string
	}{
		{account.ErrAddress, 400, "address_invalid", ""},
		{starter.ErrOverloaded, 503, "overloaded", "10"},
		{starter.ErrUnavailable, 503, "unavailable", "30"},
		{context.DeadlineExceeded, 500, "internal", ""},
		{errors.New("a surprise"), 500, "internal", ""},
	} {
		for _, path := range []string{invitations, resend, cancel, forced} {
			body := `{"address":"ann@example.com"}`
			if path == forced {
				body = `{"address":"ann@example.com","reason":"stolen"}`
			}
			h, log := newHandler(t, &fakeFlows{err: fmt.Errorf("wrapped: %w", tc.err)})
			w := ask(h, post, path, body)
			if w.Code != tc.status || codeOf(t, w.Body.Bytes()) != tc.code || w.Header().Get("Retry-After") != tc.retry {
				t.Errorf("%v at %s: %d %v %s", tc.err, path, w.Code, w.Header(), w.Body)
			}
			if strings.Contains(w.Body.String(), "wrapped") {
				t.Errorf("the answer holds the text of an error: %s", w.Body)
			}
			if told := strings.Contains(log.String(), "wrapped") && strings.Contains(log.String(), `"level":"error"`); told != (tc.status >= 500) {
				t.Errorf("%v: log %s", tc.err, log)
			}
		}
	}
}

// security 50: a request without a proof begins nothing. All of them get one answer, whatever is
// wrong and wherever they go, and neither the answer nor the log has their secret.
func TestStrangersLearnNothing(t *testing.T) {
	t.Parallel()
	metrics, err := telemetry.NewMetrics(t.Context(), "rekey-starter", "test")
	check(t, err)
	flows := &fakeFlows{}
	h, log := newHandler(t, flows, func(c *backend.Config) { c.Metrics = metrics.Temporal() })
	want := ask(h, post, invitations, `{"address":"ann@example.com"}`, "Authorization: ")
	if want.Code != 401 || want.Header().Get("WWW-Authenticate") != "Bearer" || codeOf(t, want.Body.Bytes()) != "unauthorized" {
		t.Fatalf("%d %v %s", want.Code, want.Header(), want.Body)
	}
	sent := 1
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", token, "Basic " + token, "Bearer " + token[1:], "Bearer " + token[:31], "Bearer " + token[:1], "Bearer " + token + "0",
		"Bearer " + strings.ToUpper(token), "Bearer " + token + " ", "Bearer " + token + "," + other, "Bearer " + token + other,
	} {
		for _, path := range []string{invitations, resend, cancel, forced, "/nowhere"} {
			for _, method := range []string{post, http.MethodGet} {
				w := ask(h, method, path, `{"address":"ann@example.com","reason":"x"`, "Authorization: "+authorization)
				sent++
				if diff := cmp.Diff(want.Header(), w.Header()); w.Code != 401 || w.Body.String() != want.Body.String() || diff != "" {
					t.Errorf("%s %s %q: %d %s %s", method, path, authorization, w.Code, w.Body, diff)
				}
			}
		}
	}
	if flows.taken() != "" || strings.Contains(log.String(), token[1:31]) || strings.Contains(strings.ToLower(log.String()), token[1:]) {
		t.Errorf("called %s, log %s", flows.taken(), log)
	}
	if lines := strings.Count(log.String(), `"code":"unauthorized","caller":"","client":"192.0.2.1"`); lines != sent || strings.Count(log.String(), `"level":"warn"`) != sent {
		t.Errorf("%d lines for %d requests: %s", lines, sent, log)
	}
	if n := scraped(t, metrics, "unauthorized"); n != strconv.Itoa(sent) {
		t.Errorf("%s counted, %d sent", n, sent)
	}
}

// scraped is the count of answers with a code, as Prometheus reads it.
func scraped(t *testing.T, metrics *telemetry.Metrics, code string) string {
	t.Helper()
	w := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if n, ok := strings.CutPrefix(line, `rekey_backend_requests_total{code="`+code+`"} `); ok {
			return strings.TrimSpace(n)
		}
	}
	return "none"
}

// Every answer is counted under its code, and known to be zero before.
func TestAnswersAreCounted(t *testing.T) {
	t.Parallel()
	metrics, err := telemetry.NewMetrics(t.Context(), "rekey-starter", "test")
	check(t, err)
	h, _ := newHandler(t, &fakeFlows{}, func(c *backend.Config) { c.Metrics = metrics.Temporal() })
	for _, code := range []string{"accepted", "unauthorized", "unavailable", "internal"} {
		if n := scraped(t, metrics, code); n != "0" {
			t.Errorf("%s: %s before the first request", code, n)
		}
	}
	ask(h, post, resend, `{"address":"ann@example.com"}`)
	ask(h, post, resend, `{"address":"ann@example.com"}`)
	ask(h, post, resend, `{"address":"ann"}`)
	for code, want := range map[string]string{"accepted": "2", "address_invalid": "1"} {
		if n := scraped(t, metrics, code); n != want {
			t.Errorf("%s: %s, want %s", code, n, want)
		}
	}
}

// The log says which backend called which route, so that a token is withdrawn when nobody sends it
// any more. It has nothing of the body, and no path that it does not know.
func TestLog(t *testing.T) {
	t.Parallel()
	h, log := newHandler(t, &fakeFlows{})
	ask(h, post, invitations, `{"address":"ann@example.com","inviter":"Bo Ek"}`)
	ask(h, post, forced, `{"address":"ann@example.com","reason":"a stolen laptop"}`, "Authorization: Bearer "+other)
	ask(h, post, invitations+"/ann@example.com", ``)
	ask(h, post, forced, `{"address":"ann@example.com","reason":"`+strings.Repeat("stolen ", 100)+`"}`)
	for _, want := range []string{
		`{"level":"info","route":"/v1/invitations","status":202,"code":"accepted","caller":"token 1","client":"192.0.2.1"`,
		`{"level":"info","route":"/v1/forced-resets","status":202,"code":"accepted","caller":"token 2"`,
		`{"level":"info","route":"","status":404,"code":"not_found","caller":"token 1"`,
		`{"level":"info","route":"/v1/forced-resets","status":400,"code":"reason_invalid","caller":"token 1"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no line %s in %s", want, log)
		}
	}
	for _, secret := range []string{"ann", "Bo Ek", "stolen", token, other} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, log)
		}
	}
}

// A panic is a fault of this service, and its value reaches nobody.
func TestPanic(t *testing.T) {
	t.Parallel()
	h, log := newHandler(t, &fakeFlows{call: func(context.Context) error { panic("ann@example.com") }})
	w := ask(h, post, resend, `{"address":"ann@example.com"}`)
	if w.Code != 500 || codeOf(t, w.Body.Bytes()) != "internal" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if strings.Contains(log.String(), "ann@") || !strings.Contains(log.String(), "panic of type string") || !strings.Contains(log.String(), "TestPanic") {
		t.Errorf("log %s", log)
	}
}

// security 50: a forgotten setting lets nobody in.
func TestConfig(t *testing.T) {
	t.Parallel()
	tokens, err := backend.ParseTokens(token)
	check(t, err)
	for want, c := range map[string]backend.Config{
		"must authenticate callers": {Flows: &fakeFlows{}},
		"needs the flows":           {Tokens: tokens},
	} {
		if h, err := backend.NewHandler(c); h != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	flows := &fakeFlows{}
	h, err := backend.NewHandler(backend.Config{Flows: flows, Certificates: true})
	check(t, err)
	if w := ask(h, post, resend, `{"address":"ann@example.com"}`); w.Code != 401 || flows.taken() != "" {
		t.Errorf("without TLS: %d, called %s", w.Code, flows.taken())
	}
	if _, err := backend.ParseTokens("\n"); err == nil {
		t.Error("an empty file has tokens")
	}
}

// Outside of a request there is no caller.
func TestNoCaller(t *testing.T) {
	t.Parallel()
	if name := backend.Caller(t.Context()); name != "" {
		t.Error(name)
	}
}

// A Message-ID that is none of a mail with a link has a code of its own.
func TestUnknownMessage(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, &fakeFlows{err: starter.ErrMessageUnknown})
	if w := ask(h, post, bounces, `{"message_id":"a@example.com","kind":"complaint"}`); w.Code != 400 || codeOf(t, w.Body.Bytes()) != "message_unknown" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
