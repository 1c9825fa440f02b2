package web

import (
	"net/http"
	"testing"
)

// security 12: a host application that changes the headers of one answer changes no other answer.
func TestHeadersOfOneAnswer(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	ask := func() http.Header { return exchange(h, "GET", "/account/change-password", "", forPage).Header() }
	added, changed, want := ask(), ask(), ask().Clone()
	for name := range want {
		changed[name][0] = "changed"
		added.Add(name, "more")
	}
	for name := range want {
		if added.Get(name) != want.Get(name) {
			t.Errorf("%s: %q after more was added to all, want %q", name, added.Get(name), want.Get(name))
		}
	}
	got := ask()
	for _, header := range shared {
		name := http.CanonicalHeaderKey(header[0])
		if name != header[0] || got.Get(name) != want.Get(name) || len(got[name]) != 1 {
			t.Errorf("%s: %q, want %q", header[0], got[name], want[name])
		}
	}
}
