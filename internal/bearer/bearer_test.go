package bearer_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/bearer"
)

const (
	first  = "0123456789abcdef0123456789abcdef"
	second = "fedcba9876543210fedcba9876543210"
)

// security 50: a bearer is one of the secrets, whole and alone.
func TestPresented(t *testing.T) {
	t.Parallel()
	secrets, err := bearer.Lines(first + "\n" + second + "\n")
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{
		"Bearer " + first: 1, "bearer " + first: 1, "Bearer " + second: 2,
		"": 0, first: 0, "Bearer": 0, "Bearer" + " ": 0, "Basic " + first: 0, "Bearer  " + first: 0, "Bearer " + first + " ": 0,
		"Bearer " + first[1:]: 0, "Bearer " + first[:31]: 0, "Bearer " + first + "0": 0, "Bearer " + strings.ToUpper(first): 0,
		"Bearer " + first + "\n" + second: 0, "Bearer " + first + "," + second: 0,
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["Authorization"] = []string{header}
		if got := secrets.Presented(r); got != want {
			t.Errorf("%q: secret %d, want %d", header, got, want)
		}
		r.Header.Add("Authorization", header)
		if got := secrets.Presented(r); got != 0 {
			t.Errorf("%q twice: secret %d", header, got)
		}
	}
	if got := secrets.Presented(httptest.NewRequest(http.MethodPost, "/", nil)); got != 0 {
		t.Errorf("without a header: secret %d", got)
	}
	if got := bearer.Secrets(nil).Which(""); got != 0 {
		t.Errorf("none of none is secret %d", got)
	}
}

// security 50: a file lets nobody in by mistake: an empty one, a short secret, an editor's mark.
func TestLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		first: nil, first + "\n": nil, first + "\r\n" + second + "\r\n": nil, "\n" + first + "\n\n\n": nil, "  " + first + "\t\n": nil,
		"dGhlIHNlY3JldCBvZiBhIGJhY2tlbmQgYXMgYmFzZTY0Lg==": nil,
		"": bearer.ErrNone, "\n": bearer.ErrNone, "\r\n\t\r\n": bearer.ErrNone,
		first[1:]: bearer.ErrShort, first + "\n" + second[1:]: bearer.ErrShort,
		"\ufeff" + first: bearer.ErrCharacters, first + " " + second: bearer.ErrCharacters, first + "\x00": bearer.ErrCharacters,
		"pässwörter_von_zweiunddreißig_buchstaben": bearer.ErrCharacters,
	} {
		secrets, err := bearer.Lines(text)
		if !errors.Is(err, want) || (err == nil) != (len(secrets) > 0) {
			t.Errorf("%q: %d secrets, %v, want %v", text, len(secrets), err, want)
		}
		if err != nil && strings.Contains(err.Error(), first[1:]) {
			t.Errorf("the error has the secret: %v", err)
		}
	}
	if _, err := bearer.Lines(first + "\n\nshort"); err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
		t.Errorf("the line is not named: %v", err)
	}
}
