package web

import (
	"encoding/json"
	"strings"
	"testing"
)

// The answer names the wrong field and the known ones, for the author of the client. A text that
// may be a value is not repeated.
func TestUnknownFieldIsNamed(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	const forgot, reset = "/account/forgot_password", "/account/reset_password"
	for _, tc := range []struct{ path, body, want string }{
		{forgot, `{"emial":"a@example.com"}`, `The body has the unknown field "emial". Known: email, challenge, locale.`},
		{reset, `{"newPassword":"x"}`, `The body has the unknown field "newPassword". Known: password, confirm, token.`},
		{reset + "/T", `{"token":"x"}`, `The body has the unknown field "token". Known: password, confirm.`},
		{"/account/cancel_reset/T", `{"token":"x"}`, `The body has the unknown field "token". Known: none.`},
		{forgot, `{"ada@example.com":""}`, "The body has an unknown field. Known: email, challenge, locale."},
		{forgot, `{"<script>":""}`, "The body has an unknown field. Known: email, challenge, locale."},
		{forgot, `{"correct horse":""}`, "The body has an unknown field. Known: email, challenge, locale."},
		{forgot, `{"` + strings.Repeat("a", 33) + `":""}`, "The body has an unknown field. Known: email, challenge, locale."},
	} {
		w := exchange(h, "POST", tc.path, tc.body, asJSON)
		var f failure
		if err := json.Unmarshal(w.Body.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		if w.Code != 400 || f.Code != "field_unknown" || f.Error != tc.want || f.Message != tc.want {
			t.Errorf("%s: %d %+v, want %s", tc.body, w.Code, f, tc.want)
		}
	}
}

// security 11: a form parser takes any text for a field's name, also a bare password.
func TestFormRepeatsNothing(t *testing.T) {
	t.Parallel()
	w := exchange(newTestHandler(t, &fakeResets{}), "POST", "/account/reset_password/T", "hunter2hunter2", asForm)
	if w.Code != 400 || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(w.Body.String(), `The body has an unknown field. Known: `) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
