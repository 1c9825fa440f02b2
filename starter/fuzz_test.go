package starter

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/golden"
)

// TestSeedCorpus writes down where fuzzing begins: go test ./starter -run TestSeedCorpus -update
func TestSeedCorpus(t *testing.T) {
	t.Parallel()
	for name, seed := range map[string][2]string{
		"json":              {typeJSON, `{"email":"a@example.com"}`},
		"json-both":         {typeJSON, `{"email":"a@example.com","challenge":"42"}`},
		"json-charset":      {"application/json; charset=UTF-8", `{"email":"a@example.com"}`},
		"json-escaped":      {typeJSON, `{"\u0065mail":"b","challenge":""}`},
		"json-repeated":     {typeJSON, `{"email":"a","email":"b"}`},
		"json-surrogate":    {typeJSON, `{"email":"\ud800"}`},
		"json-comma":        {typeJSON, `{"email":"b",}`},
		"json-array":        {typeJSON, `{"email":["b"]}`},
		"json-two":          {typeJSON, `{}{}`},
		"json-null":         {typeJSON, `null`},
		"json-empty":        {typeJSON, ``},
		"json-deep":         {typeJSON, strings.Repeat(`{"email":`, 100)},
		"form":              {typeForm, `email=a%40example.com&challenge=42`},
		"form-plus":         {typeForm, `email=a+b`},
		"form-semicolon":    {typeForm, `email=a;challenge=b`},
		"form-not-utf8":     {typeForm, `email=%ff`},
		"form-repeated":     {typeForm, `email=a&email=b`},
		"other-type":        {"text/plain", `{"email":"a@example.com"}`},
		"no-type":           {"", `{"email":"a@example.com"}`},
		"nothing":           {"", ""},
		"unreadable-type":   {"application/json; =", `{}`},
		"not-utf8":          {typeJSON, "{\"email\":\"\xff\"}"},
		"replaced-in-clear": {typeJSON, `{"email":"�"}`},
	} {
		golden.Seed(t, "FuzzBody", name, seed[0], seed[1])
	}
}

// FuzzBody: a body is refused with a code of ours, or it is read as the standard library
// reads it and holds nothing but the fields that were asked for, in UTF-8.
//
// security 19.
func FuzzBody(f *testing.F) {
	f.Fuzz(func(t *testing.T, media, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header["Content-Type"] = []string{media}
		got, err := decode(httptest.NewRecorder(), r, "email", "challenge")
		if err != nil {
			if p := problemOf(err); p.Status < 400 || p.Status > 415 || got != nil {
				t.Errorf("%q: %d and %v", body, p.Status, got)
			}
			return
		}
		if diff := cmp.Diff(asRead(t, r, body), got); diff != "" {
			t.Errorf("%s %q: %s", media, body, diff)
		}
		for name, value := range got {
			if name != "email" && name != "challenge" || !utf8.ValidString(value) || strings.ContainsRune(value, utf8.RuneError) {
				t.Errorf("%q: %q = %q", body, name, value)
			}
		}
	})
}

// asRead is what the standard library makes of a body.
func asRead(t *testing.T, r *http.Request, body string) fields {
	t.Helper()
	want := fields{}
	switch mediaType(r) {
	case typeJSON:
		if err := json.Unmarshal([]byte(body), &want); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
	case typeForm:
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for name := range form {
			want[name] = form.Get(name)
		}
	}
	return want
}
