package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

// passwordCodes are the codes of a Refusal.
var passwordCodes = []password.Code{password.TooShort, password.TooLong, password.TooWeak, password.Blocked, password.Breached, password.Invalid}

// document is the part of openapi.yaml that the tests read.
type document struct {
	OpenAPI    string
	Paths      map[string]map[string]any
	Components struct {
		Schemas map[string]struct{ Enum []string }
	}
}

func readDocument(t *testing.T) (document, any) {
	t.Helper()
	w := exchange(newTestHandler(t, &fakeResets{}), "GET", "/openapi.yaml", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/yaml" {
		t.Fatalf("%d %q", w.Code, w.Header().Get("Content-Type"))
	}
	var doc document
	var tree any
	for _, into := range []any{&doc, &tree} {
		if err := yaml.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	return doc, tree
}

// Every code is documented, and every documented code exists.
func TestDocumentHasAllCodes(t *testing.T) {
	t.Parallel()
	doc, _ := readDocument(t)
	var want []string
	for _, p := range problems {
		want = append(want, p.Code)
	}
	for _, c := range passwordCodes {
		want = append(want, string(c))
	}
	got := doc.Components.Schemas["Code"].Enum
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every route is documented, and every documented route exists.
func TestDocumentHasAllRoutes(t *testing.T) {
	t.Parallel()
	doc, _ := readDocument(t)
	var got, want []string
	for path, methods := range doc.Paths {
		for method := range maps.Keys(methods) {
			if method != "parameters" {
				got = append(got, strings.ToUpper(method)+" "+path)
			}
		}
	}
	for _, r := range allRoutes() {
		want = append(want, r.method+" "+r.path)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s: %s", doc.OpenAPI, diff)
	}
}

// Every reference in the document has a target.
func TestDocumentReferences(t *testing.T) {
	t.Parallel()
	_, root := readDocument(t)
	var walk func(node any)
	walk = func(node any) {
		switch n := node.(type) {
		case []any:
			for _, child := range n {
				walk(child)
			}
		case map[string]any:
			if ref, ok := n["$ref"].(string); ok && !resolves(root, ref) {
				t.Errorf("%s leads nowhere", ref)
			}
			for _, child := range n {
				walk(child)
			}
		}
	}
	walk(root)
}

func resolves(root any, ref string) bool {
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		node, _ := root.(map[string]any)
		root = node[part]
	}
	return root != nil
}

// also are the routes of the other flows whose errors are those of routes of a reset.
func also(paths []string) (more []string) {
	for _, p := range paths {
		more = append(more, map[string][]string{"reset": {"accept", "renew"}, "cancel": {"decline"}}[p]...)
	}
	return more
}

// Each error of the contract has one answer, and both encodings agree on it.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err    error
		status int
		code   string
		retry  string
		paths  []string
	}{
		{account.ErrAddress, 400, "address_invalid", "", []string{"forgot"}},
		{starter.ErrUnavailable, 503, "unavailable", "30", []string{"forgot", "reset", "cancel"}},
		{starter.ErrBusy, 503, "busy", "10", []string{"reset"}},
		{starter.ErrLinkInvalid, 400, "link_invalid", "", []string{"reset", "cancel"}},
		{starter.ErrLinkExpired, 400, "link_expired", "", []string{"reset", "cancel"}},
		{starter.ErrLinkUsed, 400, "link_used", "", []string{"reset", "cancel"}},
		{starter.ErrLinkCanceled, 400, "link_canceled", "", []string{"reset"}},
		{starter.ErrLinkEnded, 400, "link_ended", "", []string{"reset"}},
		{starter.ErrLinkRestarted, 400, "link_restarted", "", []string{"reset", "cancel"}},
		{starter.ErrChangeRefused, 400, "change_refused", "", []string{"reset"}},
		{&password.Refusal{Code: password.TooShort, Reason: "Too short."}, 400, "password_too_short", "", []string{"reset"}},
		{errors.New("a surprise with a secret"), 500, "internal", "", []string{"forgot", "reset", "cancel"}},
	} {
		for _, p := range posts() {
			paths := slices.Concat(tc.paths, also(tc.paths))
			if !slices.ContainsFunc(paths, func(s string) bool { return strings.HasPrefix(p.path, "/account/"+s) }) {
				continue
			}
			t.Run(tc.code+p.path, func(t *testing.T) {
				t.Parallel()
				h := newTestHandler(t, &fakeResets{err: fmt.Errorf("wrapped: %w", tc.err), link: starter.Link{State: starter.LinkOpen}})
				asked := exchange(h, "POST", p.path, jsonBody(p.fields...), asJSON)
				page := exchange(h, "POST", p.path, formBody(p.fields...), asForm)
				if asked.Code != tc.status || codeOf(t, asked) != tc.code || asked.Header().Get("Retry-After") != tc.retry {
					t.Errorf("JSON: %d %q", asked.Code, asked.Body)
				}
				if page.Code != tc.status || page.Header().Get("Retry-After") != tc.retry || !strings.Contains(page.Body.String(), `role="alert"`) {
					t.Errorf("form: %d %q", page.Code, page.Body)
				}
				if strings.Contains(asked.Body.String()+page.Body.String(), "wrapped") {
					t.Error("the answer holds the text of an error")
				}
			})
		}
	}
}

// The sentence for each end of a reset is true of the password. starter.TestEveryEndIsToldAsItIs
// compares errors and ends.
func TestSentencesAreTrueOfThePassword(t *testing.T) {
	t.Parallel()
	for err, set := range map[error]bool{
		starter.ErrLinkUsed: true, starter.ErrChangeRefused: false, starter.ErrLinkExpired: false, starter.ErrLinkCanceled: false, starter.ErrLinkEnded: false,
		starter.ErrLinkRestarted: false,
	} {
		for _, f := range flows(&fakeResets{}, Config{Invitations: &fakeResets{}, Renewals: &fakeResets{}}) {
			p := f.say(problemOf(err))
			told := strings.ToLower(p.Text + " " + p.Hint)
			if !set && strings.Contains(told, "a password was set") || set && (strings.Contains(told, "no password was set") || strings.Contains(told, "not changed")) {
				t.Errorf("%s, %v: %q, and a password was set: %t", f.name, err, told, set)
			}
			if strings.Contains(told, "account has changed") { // the hash or the tables may be the reason
				t.Errorf("%s, %v: %q gives a reason that nobody knows", f.name, err, told)
			}
		}
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	refusal := &password.Refusal{Code: password.TooWeak, Reason: "Easy to guess.", Suggestions: []string{"Add a word."}}
	w := exchange(newTestHandler(t, &fakeResets{err: refusal}), "POST", "/account/reset_password/T", `{"password":"a"}`, asJSON)
	want := `{"status":"error","code":"password_too_weak","error":"Easy to guess.","message":"Easy to guess.","suggestions":["Add a word."]}` + "\n"
	if w.Code != http.StatusBadRequest || w.Body.String() != want {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
