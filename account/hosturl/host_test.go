package hosturl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/account/storetest"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
)

func serve(t *testing.T, app http.Handler) *hosturl.Host {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return open(t, server.URL+"/rekey/", hostapp.Secret(hostapp.Key))
}

func open(t *testing.T, url, secrets string) *hosturl.Host {
	t.Helper()
	h, err := hosturl.Open(url, secrets)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

type harness struct {
	*hosturl.Host
	storetest.App
}

// security 5, 10, 17, 23: an application behind a URL carries resets.
func TestHost(t *testing.T) {
	t.Parallel()
	storetest.RunHost(t, func(t *testing.T) storetest.HostHarness {
		t.Helper()
		app := hostapp.New()
		return &harness{serve(t, app), app}
	})
}

func ann() account.Account {
	return account.Account{ID: "ann", Address: "ann@example.com", Credential: "$2b$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq", Resettable: true}
}

// The check of a host finds each broken rule, and nothing in a good application.
func TestCheck(t *testing.T) {
	t.Parallel()
	for bad, rule := range map[string]string{
		"":                     "",
		"takes any signature":  "of another secret",
		"takes old ones":       "ten minutes old",
		"sets nothing":         "the new credential is set",
		"compares nothing":     "another credential than the old one",
		"refuses a repetition": "a repetition",
	} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			app := hostapp.New(bad)
			if err := app.Put(t.Context(), ann()); err != nil {
				t.Fatal(err)
			}
			rules, broken := 0, ""
			serve(t, app).Check(t.Context(), ann().Address, func(rule string, err error) {
				rules++
				if err != nil {
					broken += fmt.Sprintf("%s: %v\n", rule, err)
				}
			})
			if rules != 12 || (broken == "") != (bad == "") || !strings.Contains(broken, rule) {
				t.Errorf("%d rules, broken:\n%s", rules, broken)
			}
			if a, err := app.Account(t.Context(), "ann"); bad == "" && (err != nil || a.Credential != ann().Credential) {
				t.Errorf("the credential is %q, %v", a.Credential, err)
			}
		})
	}
}

// Answers of an application that is unwell are faults, which say what to do. None is a refusal, and
// no text of the application is in it.
func TestUnwell(t *testing.T) {
	t.Parallel()
	const secretText = "$2b$12$secret"
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, secretText, 500) }, "answered 500"},
		"401": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "compare the secrets"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "answered 307"},
		"no JSON":  {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, secretText) }, "does not fit the contract"},
		"a number": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":1,"accounts":[{"id":1}]}`) }, "does not fit the contract"},
		"no id":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"id":"bob","accounts":[{}]}`) }, ""},
		"another": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"id":"bob","accounts":[{"id":"\u0000"}]}`)
		}, ""},
		"huge": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2<<20)) }, "more than"},
		"many": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, many()) }, ""},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "{")
		}, "EOF"},
		"hung up":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"informs only": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "answered 204"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, tc.answer)
			_, findErr := h.Find(t.Context(), "ann@example.com")
			_, readErr := h.Account(t.Context(), "ann")
			for request, err := range map[string]error{"find": findErr, "account": readErr} {
				if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "request "+request) {
					t.Errorf("%s: %v, want %q", request, err, tc.want)
				}
				if err != nil && (errors.Is(err, account.ErrRefused) || errors.Is(err, account.ErrNotFound) || strings.Contains(err.Error(), "secret:")) {
					t.Errorf("%s: %v", request, err)
				}
				if err != nil && strings.Contains(err.Error(), secretText) {
					t.Errorf("%s: %v quotes the application", request, err)
				}
			}
			err := h.Change(t.Context(), account.HostChange{AccountID: "ann", New: "$2b$12$new"})
			if err == nil || errors.Is(err, account.ErrRefused) {
				t.Errorf("change: %v", err)
			}
		})
	}
}

func many() string {
	return `{"id":"another","accounts":[` + strings.TrimSuffix(strings.Repeat(`{"id":"a"},`, 101), ",") + `]}`
}

// A change is refused for good by the statuses of the contract only.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		body   string
		want   error
		text   string
	}{
		{403, `{"reason":"under investigation"}`, account.ErrRefused, "under investigation"},
		{403, `<html>`, account.ErrRefused, "it gave no reason"},
		{403, `{"reason":"` + strings.Repeat("x", 500) + "\"}", account.ErrRefused, strings.Repeat("x", 200) + `"`},
		{404, ``, account.ErrAccountGone, ""},
		{409, ``, account.ErrCredentialChanged, ""},
	} {
		h := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tc.status)
			fmt.Fprint(w, tc.body)
		}))
		err := h.Change(t.Context(), account.HostChange{AccountID: "ann", New: "$2b$12$new"})
		if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) || len(err.Error()) > 300 {
			t.Errorf("%d %.40s: %v, want %v with %q", tc.status, tc.body, err, tc.want, tc.text)
		}
	}
}

// The end of the caller's context is its own error, and not a fault of the application.
func TestSilence(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	h := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // only then the server looks whether the client is there
		close(asked)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := h.Find(ctx, "ann@example.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	_, err := open(t, server.URL, hostapp.Secret(hostapp.Key)).Find(t.Context(), "ann@example.com")
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}

// A wrong URL or secret is refused at the start, and not quoted.
func TestOpen(t *testing.T) {
	t.Parallel()
	good := hostapp.Secret(hostapp.Key)
	for _, tc := range []struct {
		url, secrets string
		want         error
	}{
		{"https://app.example.com/rekey", good, nil},
		{"http://127.0.0.1:8080", good + "\n" + hostapp.Secret(make([]byte, 24)) + "\n", nil},
		{"http://app.example.com/rekey", good, hosturl.ErrClear},
		{"https://ann:pw@app.example.com/", good, hosturl.ErrURL},
		{"https://app.example.com/?key=1", good, hosturl.ErrURL},
		{"app.example.com/rekey", good, hosturl.ErrURL},
		{"ftp://app.example.com/", good, hosturl.ErrURL},
		{"https:///rekey", good, hosturl.ErrURL},
		{"https://app.example.com", "", hosturl.ErrSecret},
		{"https://app.example.com", "hunter2", hosturl.ErrSecret},
		{"https://app.example.com", hostapp.Secret(make([]byte, 23)), hosturl.ErrSecret},
		{"https://app.example.com", hostapp.Secret(make([]byte, 65)), hosturl.ErrSecret},
		{"https://app.example.com", good + "\nhunter2", hosturl.ErrSecret},
	} {
		if _, err := hosturl.Open(tc.url, tc.secrets); !errors.Is(err, tc.want) || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want %v", tc.url, err, tc.want)
		}
	}
}

// A request is signed with each secret, so that the application may have either.
func TestRotation(t *testing.T) {
	t.Parallel()
	app := hostapp.New()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	for _, secrets := range []string{hostapp.Secret(make([]byte, 32)) + "\n" + hostapp.Secret(hostapp.Key), hostapp.Secret(hostapp.Key) + "\r\n" + hostapp.Secret(make([]byte, 32))} {
		if _, err := open(t, server.URL+"/rekey", secrets).Find(t.Context(), "ann@example.com"); err != nil {
			t.Error(err)
		}
	}
}
