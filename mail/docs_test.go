package mail_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/mail"
)

// The application in docs/mail.md has 20 lines at most, and answers as the page says.
func TestApplicationOfTheDocumentation(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/mail.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n```python\n")
	code, _, ok := strings.Cut(rest, "\n```\n")
	if lines := strings.Count(code, "\n") + 1; !ok || lines > 20 {
		t.Fatalf("%d lines", lines)
	}
	python := suite.Program(t, "/usr/bin/python3", "python3")
	var status atomic.Int64
	forms := make(chan url.Values, 9)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if user, key, _ := r.BasicAuth(); err != nil || user != "api" || key != "mailgun-key" {
			t.Errorf("the provider got %s %s, %v", user, key, err)
		}
		forms <- form
		switch code := int(status.Load()); code {
		case 0:
			panic(http.ErrAbortHandler)
		case 400:
			w.WriteHeader(code)
			io.WriteString(w, `{"message":"'to' parameter is not a valid address. please check documentation"}`)
		default:
			w.WriteHeader(code)
		}
	}))
	t.Cleanup(provider.Close)
	free, err := loopback.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mails.py")
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	app := exec.CommandContext(t.Context(), python, path)
	app.Env = append(os.Environ(), "REKEY_SECRET="+secretOf(httpKey), "PORT="+strconv.Itoa(free.Port), "MAILGUN="+provider.URL, "MAILGUN_KEY=mailgun-key")
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Wait() })
	for conn, err := net.Dial("tcp", free.String()); ; conn, err = net.Dial("tcp", free.String()) {
		if err == nil {
			conn.Close()
			break
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	h := postingTo(t, "http://"+free.String()+"/rekey/mails")
	for code, want := range map[int]mail.Outcome{200: "", 400: mail.Refused, 401: mail.Deferred, 429: mail.Deferred, 500: mail.Deferred, 0: mail.Unknown} {
		status.Store(int64(code))
		err := h.Send(t.Context(), hello)
		if e, _ := errors.AsType[*mail.Error](err); (err == nil) != (want == "") || err != nil && e.Outcome != want {
			t.Errorf("provider %d: %v, want %s", code, err, want)
		}
		if got := <-forms; got.Get("to") != hello.To || got.Get("h:Message-Id") != "<"+hello.ID+">" || got.Get("html") != hello.HTML {
			t.Errorf("the provider got %v", got)
		}
	}
	stranger, err := mail.NewHTTP("http://"+free.String(), secretOf(make([]byte, 32)), "no-reply@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if e := fails(t, stranger.Send(t.Context(), hello)); e.Code != 401 {
		t.Errorf("a foreign signature: %v", e)
	}
}
