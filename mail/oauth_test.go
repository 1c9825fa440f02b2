package mail_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

// endpoint is a token endpoint with configured answers.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // the grants, with their proofs
}

// issue starts an endpoint. For the n-th request, from 1, answer writes the response.
func issue(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		e.mu.Lock()
		id, secret, _ := r.BasicAuth()
		if id == "" {
			id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
		}
		e.asked = append(e.asked, strings.Join([]string{r.PostForm.Get("grant_type"), id, secret, r.PostForm.Get("refresh_token"), r.PostForm.Get("scope")}, " "))
		n := len(e.asked)
		e.mu.Unlock()
		answer(n, w, r)
	}))
	t.Cleanup(e.Close)
	return e
}

// gives answers with a token that lives so many seconds.
func gives(token string, life int) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) { give(w, token, life, "") }
}

func give(w http.ResponseWriter, token string, life int, refresh string) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": life, "refresh_token": refresh})
}

func status(code int, body string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// lend is a configuration for a mail server that takes access tokens.
func lend(t *testing.T, e *endpoint, s script) (*server, mail.Config) {
	t.Helper()
	srv, config := serve(t, s)
	config.Username, config.Password = "no-reply@example.com", ""
	config.OAuth = &mail.OAuth{TokenURL: e.URL, ClientID: "rekey", ClientSecret: "s3cret", Scope: "smtp.send"}
	return srv, config
}

// A mail server that wants an access token gets one, by the client's own credentials or by
// a refresh token. One is kept as long as it lives, and used by all mails.
func TestAccessToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		life    int
		refresh string
		want    []string
	}{
		"credentials":   {3600, "", []string{"client_credentials rekey s3cret  smtp.send"}},
		"short life":    {1, "", []string{"client_credentials rekey s3cret  smtp.send", "client_credentials rekey s3cret  smtp.send"}},
		"refresh token": {3600, "lent-1", []string{"refresh_token rekey s3cret lent-1 "}},
		"next refresh token": {1, "lent-1", []string{
			"refresh_token rekey s3cret lent-1 ", "refresh_token rekey s3cret lent-2 ",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := issue(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				next := ""
				if test.refresh != "" {
					next = fmt.Sprintf("lent-%d", n+1)
				}
				give(w, "token-of-a-day", test.life, next)
			})
			srv, config := lend(t, e, script{starttls: true, bearer: func(token string) bool { return token == "token-of-a-day" }})
			config.OAuth.RefreshToken = test.refresh
			s, err := mail.NewSMTP(config)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Send(t.Context(), hello); err != nil {
					t.Fatal(err)
				}
			}
			if len(srv.mails) != 2 {
				t.Errorf("%d mails arrived, want 2", len(srv.mails))
			}
			if diff := cmp.Diff(test.want, e.asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A token that was called back is replaced at once, by one other.
func TestAccessTokenCalledBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		good  string
		asked int
	}{"once": {"token-2", 2}, "for good": {"none", 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := issue(t, func(n int, w http.ResponseWriter, _ *http.Request) { give(w, fmt.Sprintf("token-%d", n), 3600, "") })
			_, config := lend(t, e, script{starttls: true, bearer: func(token string) bool { return token == test.good }})
			err := send(t.Context(), t, config)
			if (err == nil) != (test.good == "token-2") || len(e.asked) != test.asked {
				t.Errorf("%d tokens, %v", len(e.asked), err)
			}
		})
	}
}

// security 38: each failure has a text of its own, and none holds a secret, or text of the
// endpoint.
func TestLoginTexts(t *testing.T) {
	t.Parallel()
	never := func(string) bool { return false }
	for name, test := range map[string]struct {
		script script
		answer func(int, http.ResponseWriter, *http.Request)
		want   string
	}{
		"no login offered":   {script{starttls: true}, gives("token", 60), "mail deferred at login, the mail server offers no login"},
		"password only":      {script{starttls: true, auth: true}, gives("token", 60), "mail deferred at login, the mail server offers no login of the kind that is set"},
		"token refused":      {script{starttls: true, bearer: never}, gives("token", 60), "mail deferred at login, the mail server refuses the access token, reply code 535 5.7.8"},
		"secret refused":     {script{starttls: true}, status(401, `{"error":"invalid_client","error_description":"s3cret of no-reply@example.com"}`), "mail deferred at token, the token endpoint refuses: invalid_client"},
		"refused otherwise":  {script{starttls: true}, status(403, `{"error":"s3cret"}`), "mail deferred at token, the token endpoint refuses"},
		"endpoint is broken": {script{starttls: true}, status(500, `s3cret`), "mail deferred at token, the token endpoint refuses"},
		"sends elsewhere": {script{starttls: true}, func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.7/", http.StatusTemporaryRedirect)
		}, "mail deferred at token, the token endpoint refuses"},
		"no token":             {script{starttls: true}, status(200, `{"s3cret":"s3cret"}`), "mail deferred at token, the token endpoint gives no access token"},
		"no JSON":              {script{starttls: true}, status(200, `<html>s3cret`), "mail deferred at token, the token endpoint gives no access token"},
		"token with a control": {script{starttls: true}, gives("token\x01auth=s3cret", 60), "mail deferred at token, the token endpoint gives no access token"},
		"another type":         {script{starttls: true}, status(200, `{"access_token":"s3cret","token_type":"mac"}`), "mail deferred at token, the token endpoint gives no access token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, config := lend(t, issue(t, test.answer), test.script)
			err := send(t.Context(), t, config)
			if diff := cmp.Diff(test.want, fmt.Sprint(err)); diff != "" {
				t.Error(diff)
			}
			fails(t, err)
		})
	}
}

// An endpoint that is silent holds a mail no longer than its context, nor the others that
// wait for the same token.
func TestTokenEndpointIsSilent(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 1)
	e := issue(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
	})
	_, config := lend(t, e, script{})
	s, err := mail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			want := "mail deferred at token, the token endpoint does not answer"
			if diff := cmp.Diff(want, fmt.Sprint(s.Send(ctx, hello))); diff != "" {
				t.Error(diff)
			}
		})
	}
	<-reached
	cancel()
	both.Wait()
}

// security 21: a secret is sent only to an endpoint that proves its identity, with the
// parameters that it needs.
func TestOAuthSettings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(*mail.Config)
		good  bool
	}{
		"https":          {func(*mail.Config) {}, true},
		"loopback":       {func(c *mail.Config) { c.OAuth.TokenURL = "http://127.0.0.1:8080/token" }, true},
		"refresh token":  {func(c *mail.Config) { c.OAuth.ClientSecret, c.OAuth.RefreshToken = "", "lent" }, true},
		"clear":          {func(c *mail.Config) { c.OAuth.TokenURL = "http://login.example.com/token" }, false},
		"no scheme":      {func(c *mail.Config) { c.OAuth.TokenURL = "login.example.com/token" }, false},
		"user in it":     {func(c *mail.Config) { c.OAuth.TokenURL = "https://ada:s3cret@login.example.com" }, false},
		"no client":      {func(c *mail.Config) { c.OAuth.ClientID = "" }, false},
		"no secret":      {func(c *mail.Config) { c.OAuth.ClientSecret = "" }, false},
		"no user":        {func(c *mail.Config) { c.Username = "" }, false},
		"a password too": {func(c *mail.Config) { c.Password = "s3cret" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mail.Config{
				Host: "mail.example.com", Port: 587, Security: mail.SecuritySTARTTLS, From: "no-reply@example.com", Username: "no-reply@example.com",
				OAuth: &mail.OAuth{TokenURL: "https://login.example.com/token", ClientID: "rekey", ClientSecret: "s3cret"},
			}
			test.spoil(&c)
			if _, err := mail.NewSMTP(c); (err == nil) != test.good || err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want good %v", err, test.good)
			}
		})
	}
}
