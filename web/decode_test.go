package web

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// security 19: a malformed request starts nothing and has a code.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contentType, body string
		status            int
		code              string
	}{
		"no type":            {"", `{"email":"a@example.com"}`, 415, "content_type_unsupported"},
		"text":               {"text/plain", `{"email":"a@example.com"}`, 415, "content_type_unsupported"},
		"multipart":          {"multipart/form-data; boundary=x", "--x--", 415, "content_type_unsupported"},
		"broken type":        {"application/json; =", `{"email":"a@example.com"}`, 415, "content_type_unsupported"},
		"charset":            {"application/json; charset=utf-16", `{"email":"a@example.com"}`, 415, "content_type_unsupported"},
		"no type, form":      {"", "email=a@example.com", 415, "content_type_unsupported"},
		"charset utf16":      {"application/json; charset=utf16", `{"email":"a@example.com"}`, 415, "content_type_unsupported"},
		"empty":              {typeJSON, ``, 400, "body_invalid"},
		"not JSON":           {typeJSON, `email=a@example.com`, 400, "body_invalid"},
		"cut":                {typeJSON, `{"email":"a@example.com"`, 400, "body_invalid"},
		"two values":         {typeJSON, `{"email":"a@example.com"}{}`, 400, "body_invalid"},
		"comma at the end":   {typeJSON, `{"email":"a@example.com",}`, 400, "body_invalid"},
		"array":              {typeJSON, `["a@example.com"]`, 400, "body_invalid"},
		"string":             {typeJSON, `"a@example.com"`, 400, "body_invalid"},
		"null":               {typeJSON, `null`, 400, "body_invalid"},
		"not UTF-8":          {typeJSON, "{\"email\":\"\xff@example.com\"}", 400, "body_invalid"},
		"lone surrogate":     {typeJSON, `{"email":"\ud800@example.com"}`, 400, "body_invalid"},
		"array field":        {typeJSON, `{"email":["a@example.com","b@example.com"]}`, 400, "field_type"},
		"object field":       {typeJSON, `{"email":{"a":"b"}}`, 400, "field_type"},
		"number field":       {typeJSON, `{"email":1}`, 400, "field_type"},
		"null field":         {typeJSON, `{"email":null}`, 400, "field_type"},
		"unknown field":      {typeJSON, `{"email":"a@example.com","admin":"1"}`, 400, "field_unknown"},
		"other case":         {typeJSON, `{"Email":"a@example.com"}`, 400, "field_unknown"},
		"repeated":           {typeJSON, `{"email":"a@example.com","email":"b@example.com"}`, 400, "field_repeated"},
		"repeated, escaped":  {typeJSON, `{"email":"a@example.com","\u0065mail":"b@example.com"}`, 400, "field_repeated"},
		"too large":          {typeJSON, `{"email":"` + strings.Repeat("a", maxBody) + `"}`, 413, "body_too_large"},
		"form: unknown":      {typeForm, `email=a@example.com&admin=1`, 400, "field_unknown"},
		"form: array":        {typeForm, `email[]=a@example.com`, 400, "field_unknown"},
		"form: repeated":     {typeForm, `email=a@example.com&email=b@example.com`, 400, "field_repeated"},
		"form: bad escape":   {typeForm, `email=%zz`, 400, "body_invalid"},
		"form: not UTF-8":    {typeForm, `email=%ff@example.com`, 400, "body_invalid"},
		"form: half escaped": {typeForm, "email=\xc3%a4@example.com", 400, "body_invalid"},
		"form: too large":    {typeForm, `email=` + strings.Repeat("a", maxBody), 413, "body_too_large"},
		"form: JSON content": {typeForm, `{"email":"a@example.com"}`, 400, "field_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resets := &fakeResets{}
			w := exchange(newTestHandler(t, resets), "POST", "/account/forgot_password", tc.body, "Content-Type: "+tc.contentType)
			if w.Code != tc.status {
				t.Errorf("status %d %q", w.Code, w.Body)
			}
			if strings.HasPrefix(w.Header().Get("Content-Type"), typeJSON) {
				if got := codeOf(t, w); got != tc.code {
					t.Errorf("code %q", got)
				}
			} else if tc.contentType != typeForm || !strings.Contains(w.Body.String(), problemText(tc.code)) {
				t.Errorf("page %q", w.Body)
			}
			if len(resets.calls) != 0 {
				t.Errorf("called %q", resets.calls)
			}
		})
	}
}

func problemText(code string) string {
	for _, p := range problems {
		if p.Code == code {
			return p.Headline()
		}
	}
	return "no such code"
}

// Requests of honest clients are accepted unchanged.
func TestGoodBodies(t *testing.T) {
	t.Parallel()
	const password = `  pä"ss\wörd+%20& = 密码 `
	for name, tc := range map[string]struct{ contentType, body string }{
		"JSON":             {typeJSON, jsonBody("password", password)},
		"JSON and charset": {typeJSON + "; charset=UTF-8", " \n" + jsonBody("password", password) + "\n"},
		"JSON, escaped":    {typeJSON, `{"\u0070assword":"  p\u00e4\"ss\\w\u00f6rd+%20& = \u5bc6\u7801 "}`},
		"form":             {typeForm, formBody("password", password)},
		"utf8":             {"application/json;charset=utf8", jsonBody("password", password)},
		"quoted charset":   {`Application/JSON; Charset="UTF-8"; x=y`, jsonBody("password", password)},
		"old charset":      {"application/json; charset=unicode-1-1-utf-8;", jsonBody("password", password)},
		"form, other case": {"APPLICATION/X-WWW-FORM-URLENCODED; CHARSET=UTF8", formBody("password", password)},
		"form and charset": {"application/x-www-form-urlencoded;charset=utf-8", formBody("password", password, "confirm", password)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resets := &fakeResets{}
			w := exchange(newTestHandler(t, resets), "POST", "/account/reset_password/T", tc.body, "Content-Type: "+tc.contentType)
			if diff := cmp.Diff([]string{"submit T " + password}, resets.calls); w.Code >= 400 || diff != "" {
				t.Errorf("%d %s", w.Code, diff)
			}
		})
	}
}

// security 19: a query ends up in logs, so nothing works from there.
func TestQueryIsIgnored(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{}
	h := newTestHandler(t, resets)
	exchange(h, "POST", "/account/reset_password/T?password=from-the-query", "", asForm)
	exchange(h, "POST", "/account/reset_password?token=Q&password=from-the-query", `{"token":"T","password":"p"}`, asJSON)
	if diff := cmp.Diff([]string{"submit T ", "submit T p"}, resets.calls); diff != "" {
		t.Error(diff)
	}
}

// A token has one place: the path, where the path has one.
func TestTokenInOnePlace(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{}
	w := exchange(newTestHandler(t, resets), "POST", "/account/reset_password/T", `{"token":"U","password":"p"}`, asJSON)
	if w.Code != 400 || codeOf(t, w) != "field_unknown" || len(resets.calls) != 0 {
		t.Errorf("%d %q %q", w.Code, w.Body, resets.calls)
	}
}
