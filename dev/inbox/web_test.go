package inbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/dev/inbox"
)

func request(t *testing.T, i *inbox.Inbox, method, path, body string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, i.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func get(t *testing.T, i *inbox.Inbox, path string) *http.Response {
	t.Helper()
	return request(t, i, http.MethodGet, path, "")
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func object(t *testing.T, r *http.Response) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func keys(v any) []string {
	var names []string
	for name := range v.(map[string]any) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// The names are Mailpit's (its structs Message and MessageSummary).
func TestFieldNamesAreMailpits(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "ann@example.com")
	list := object(t, get(t, i, "/api/v1/messages"))
	first := list["messages"].([]any)[0]
	one := object(t, get(t, i, "/api/v1/message/"+first.(map[string]any)["ID"].(string)))
	for _, c := range []struct {
		of   any
		want string
	}{
		{list, "count messages messages_count messages_unread start tags total unread"},
		{first, "Attachments Bcc Cc Created From ID MessageID Read ReplyTo Size Snippet Subject Tags To Username"},
		{first.(map[string]any)["From"], "Address Name"},
		{one, "Attachments Bcc Cc Date From HTML ID Inline MessageID ReplyTo ReturnPath Size Subject Tags Text To Username"},
	} {
		if diff := cmp.Diff(c.want, strings.Join(keys(c.of), " ")); diff != "" {
			t.Error(diff)
		}
	}
}

func subjects(list map[string]any) string {
	var all []string
	for _, m := range list["messages"].([]any) {
		all = append(all, m.(map[string]any)["Subject"].(string))
	}
	return strings.Join(all, "")
}

func TestListIsNewestFirstAndPaged(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, s := range []string{"a", "b", "c", "d"} {
		mustSend(t, i, "Subject: "+s+"\r\n\r\n", "ann@example.com")
	}
	for path, want := range map[string]string{
		"/api/v1/messages":                      "dcba",
		"/api/v1/messages?limit=2":              "dc",
		"/api/v1/messages?start=1&limit=2":      "cb",
		"/api/v1/messages?start=9":              "",
		"/api/v1/messages?start=-1&limit=x":     "dcba",
		"/api/v1/search?query=subject:c":        "c",
		"/api/v1/search?query=to:ann@EXAMPLE.c": "dcba",
		"/api/v1/search?query=to:bob":           "",
	} {
		list := object(t, get(t, i, path))
		if got := subjects(list); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
		if list["total"] != 4.0 {
			t.Errorf("%s: total = %v, want 4", path, list["total"])
		}
	}
}

func TestReadingMarksRead(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "ann@example.com")
	before := object(t, get(t, i, "/api/v1/messages"))["unread"]
	get(t, i, "/api/v1/message/latest")
	after := object(t, get(t, i, "/api/v1/messages"))["unread"]
	if before != 1.0 || after != 0.0 {
		t.Errorf("unread before and after = %v, %v", before, after)
	}
}

func TestHeadersAndRaw(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "ann@example.com")
	headers := object(t, get(t, i, "/api/v1/message/latest/headers"))
	if diff := cmp.Diff([]any{"auto-generated"}, headers["Auto-Submitted"]); diff != "" {
		t.Error(diff)
	}
	if raw := text(t, get(t, i, "/api/v1/message/latest/raw")); raw != reset {
		t.Errorf("raw = %q", raw)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, s := range []string{"a", "b", "c"} {
		mustSend(t, i, "Subject: "+s+"\r\n\r\n", "ann@example.com")
	}
	latest := object(t, get(t, i, "/api/v1/message/latest"))["ID"].(string)
	for _, c := range []struct{ body, left string }{
		{`{"IDs":["` + latest + `"]}`, "ba"},
		{`{"IDs"`, "ba"},
		{``, ""},
	} {
		request(t, i, http.MethodDelete, "/api/v1/messages", c.body)
		if got := subjects(object(t, get(t, i, "/api/v1/messages"))); got != c.left {
			t.Errorf("after DELETE %s: %q, want %q", c.body, got, c.left)
		}
	}
}

func TestUnknownMail(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, path := range []string{"/api/v1/message/x", "/api/v1/message/x/raw", "/view/latest", "/html/x"} {
		if got := get(t, i, path).StatusCode; got != http.StatusNotFound {
			t.Errorf("%s = %d, want 404", path, got)
		}
	}
	for _, path := range []string{"/", "/livez", "/readyz", "/page.css", "/page.js"} {
		if got := get(t, i, path).StatusCode; got != http.StatusOK {
			t.Errorf("%s = %d, want 200", path, got)
		}
	}
}

func TestHTMLIsConfined(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "ann@example.com")
	const frame = `sandbox="allow-popups allow-popups-to-escape-sandbox"`
	if page := text(t, get(t, i, "/view/latest")); !strings.Contains(page, frame) || strings.Contains(page, "<script>1") {
		t.Errorf("the frame is not confined: %s", page)
	}
	mail := get(t, i, "/html/latest")
	policy := mail.Header.Get("Content-Security-Policy")
	for _, rule := range []string{"sandbox allow-popups allow-popups-to-escape-sandbox;", "default-src 'none'", "img-src data:", "form-action 'none'"} {
		if !strings.Contains(policy, rule) {
			t.Errorf("policy %q lacks %q", policy, rule)
		}
	}
	if strings.Contains(policy, "script-src") || strings.Contains(policy, "allow-scripts") || strings.Contains(policy, "allow-same-origin") {
		t.Errorf("policy %q allows scripts", policy)
	}
	if got := mail.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy = %q: a link would send the page's address along", got)
	}
	if html := text(t, mail); !strings.Contains(html, `<head><base target="_blank"><title>`) {
		t.Errorf("links replace the frame: %s", html)
	}
}

func TestTextLinksAreClickable(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "ann@example.com")
	page := text(t, get(t, i, "/view/latest?show=text"))
	const link = `<a href="https://example.com/account/change-password/abc?x=1" target="_blank" rel="noopener noreferrer">` +
		`https://example.com/account/change-password/abc?x=1</a>.`
	if !strings.Contains(page, link) {
		t.Errorf("no link in %s", page)
	}
}

func TestMailCannotWriteThePage(t *testing.T) {
	t.Parallel()
	i := start(t)
	const evil = `<img src=x onerror=alert(1)>`
	mustSend(t, i, "Subject: "+evil+"\r\nFrom: \""+evil+"\" <a@example.com>\r\n\r\n"+evil, "ann@example.com")
	for _, path := range []string{"/", "/view/latest", "/view/latest?show=source"} {
		if page := text(t, get(t, i, path)); strings.Contains(page, "<img") {
			t.Errorf("%s: a mail wrote into the page", path)
		}
	}
}

func TestForeignHostIsRefused(t *testing.T) {
	t.Parallel()
	i := start(t)
	for host, want := range map[string]int{
		"evil.example.com": 403, "127.0.0.1.example.com": 403, "10.0.0.1:8025": 403, "": 200,
		"localhost:8025": 200, "[::1]:8025": 200, "inbox.localhost": 200,
	} {
		r := request(t, i, http.MethodGet, "/api/v1/messages", "", func(r *http.Request) { r.Host = host })
		if r.StatusCode != want {
			t.Errorf("Host %q = %d, want %d", host, r.StatusCode, want)
		}
	}
}

func TestForeignFormIsRefused(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "ann@example.com")
	foreign := func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
	if got := request(t, i, http.MethodPost, "/delete", "", foreign).StatusCode; got != http.StatusForbidden {
		t.Errorf("a foreign form = %d, want 403", got)
	}
	if got := object(t, get(t, i, "/api/v1/messages"))["total"]; got != 1.0 {
		t.Errorf("total = %v after a foreign form", got)
	}
	if page := text(t, request(t, i, http.MethodPost, "/delete", "")); !strings.Contains(page, "No mail yet") {
		t.Errorf("our form left %s", page)
	}
}
