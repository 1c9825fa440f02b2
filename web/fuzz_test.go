package web

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/starter"
)

// FuzzRequestBody fuzzes the body of a request for a mail; see checkBody.
//
// security 19.
func FuzzRequestBody(f *testing.F) {
	resets := &fakeResets{}
	h := newTestHandler(f, resets)
	f.Fuzz(func(t *testing.T, media, body string) {
		got, err := checkBody(t, "/account/forgot_password", media, body, "email", "challenge")
		resets.calls = nil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, posted("/account/forgot_password", media, body))
		email := got["email"]
		if wantsPage(posted("/account/forgot_password", media, body)) {
			email = strings.TrimSpace(email) // of a form, as browsers do with a field of the type email
		}
		checkAnswer(t, w, resets.calls, err, "request "+email)
	})
}

// FuzzResetBody fuzzes the body with a new password; see checkBody.
//
// security 19.
func FuzzResetBody(f *testing.F) {
	resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}}
	h := newTestHandler(f, resets)
	f.Fuzz(func(t *testing.T, media, body string) {
		got, err := checkBody(t, "/account/reset_password", media, body, "token", "password", "confirm")
		if confirm, twice := got["confirm"]; twice && confirm != got["password"] {
			err = errMismatch
		}
		resets.calls = nil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, posted("/account/reset_password", media, body))
		checkAnswer(t, w, resets.calls, err, "submit "+got["token"]+" "+got["password"])
	})
}

// checkBody: reading a body takes memory in proportion to it. A refused body gives nothing. An
// accepted one has the same fields for other readers, and when it is written anew, in either form.
func checkBody(t *testing.T, path, media, body string, names ...string) (got fields, err error) {
	t.Helper()
	used := allocated(func() { got, err = decode(httptest.NewRecorder(), posted(path, media, body), maxBody, names...) })
	if most := 64<<10 + 256*(len(media)+len(body)); used > uint64(most) {
		t.Errorf("%d bytes of memory for a body of %d", used, len(body))
	}
	if err != nil {
		if got != nil {
			t.Errorf("%v, and %q", err, got)
		}
		return got, err
	}
	if diff := cmp.Diff(otherwise(t, media, body, names), got); diff != "" {
		t.Errorf("%s %q (-others read +this does):\n%s", media, body, diff)
	}
	var pairs []string
	for name, value := range got {
		pairs = append(pairs, name, value)
	}
	for media, body := range map[string]string{typeJSON: jsonBody(pairs...), typeForm: formBody(pairs...)} {
		if len(body) > maxBody {
			continue // the other form has longer escapes
		}
		same, err := decode(httptest.NewRecorder(), posted(path, media, body), maxBody, names...)
		if diff := cmp.Diff(got, same); err != nil || diff != "" {
			t.Errorf("%s %q: %v\n%s", media, body, err, diff)
		}
	}
	return got, err
}

// checkAnswer compares the route's answer with the result of decode for the same body.
func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, calls []string, err error, call string) {
	t.Helper()
	if err == nil {
		if diff := cmp.Diff([]string{call}, calls); diff != "" || w.Code != http.StatusOK && w.Code != http.StatusSeeOther {
			t.Errorf("status %d (-want +called):\n%s", w.Code, diff)
		}
		return
	}
	p := problemOf(err)
	changing := slices.DeleteFunc(calls, func(call string) bool { return strings.HasPrefix(call, "inspect ") })
	if w.Code != p.Status || p.Status >= 500 || len(changing) != 0 {
		t.Errorf("status %d for %v, called %q", w.Code, err, calls)
	}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), typeJSON) {
		return
	}
	if code := codeOf(t, w); code != p.Code {
		t.Errorf("code %q for %v", code, err)
	}
}

func posted(path, media, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if media != "" {
		r.Header["Content-Type"] = []string{media}
	}
	return r
}

// allocated is how many bytes a call takes, given back or not. Nothing else may run.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
