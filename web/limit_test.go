package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/starter"
)

// security 22: only hops that trusted proxies added are believed.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tc := range map[string]struct {
		peer string
		hops []string
		want string
	}{
		"no proxy":               {"198.51.100.7:1", nil, "198.51.100.7"},
		"a claim, no proxy":      {"198.51.100.7:1", []string{"203.0.113.9"}, "198.51.100.7"},
		"one proxy":              {"10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"two proxies":            {"10.0.0.1:1", []string{"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		"a claim on the left":    {"10.0.0.1:1", []string{"192.0.2.66, 203.0.113.9"}, "203.0.113.9"},
		"a claim of our network": {"10.0.0.1:1", []string{"192.0.2.66, 10.9.9.9, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		"two headers":            {"10.0.0.1:1", []string{"192.0.2.66", "203.0.113.9"}, "203.0.113.9"},
		"all are proxies":        {"10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"no header":              {"10.0.0.1:1", nil, "10.0.0.1"},
		"rubbish":                {"10.0.0.1:1", []string{"203.0.113.9, <script>"}, "10.0.0.1"},
		"IPv4 and port":          {"10.0.0.1:1", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		"IPv6":                   {"[fd00::1]:1", []string{"2001:db8::5"}, "2001:db8::5"},
		"IPv6 and port":          {"[fd00::1]:1", []string{"[2001:db8::5]:4711"}, "2001:db8::5"},
		"IPv6 zone":              {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"IPv6 zone of a proxy":   {"10.0.0.1:1", []string{"fe80::1%eth0"}, "fe80::1"},
		"brackets, no port":      {"10.0.0.1:1", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"quotes":                 {"10.0.0.1:1", []string{`"203.0.113.9"`}, "203.0.113.9"},
		"quotes, brackets, port": {"10.0.0.1:1", []string{`"[2001:db8::5]:4711"`}, "2001:db8::5"},
		"spaces":                 {"10.0.0.1:1", []string{" 203.0.113.9 ,\t10.0.0.2 "}, "203.0.113.9"},
		"no spaces":              {"10.0.0.1:1", []string{"203.0.113.9,10.0.0.2"}, "203.0.113.9"},
		"empty elements":         {"10.0.0.1:1", []string{"203.0.113.9,, ", ""}, "203.0.113.9"},
		"three headers":          {"10.0.0.1:1", []string{"192.0.2.66", "203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		"unknown":                {"10.0.0.1:1", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		"hidden":                 {"10.0.0.1:1", []string{"203.0.113.9, _gazonk"}, "10.0.0.1"},
		"a quote in the middle":  {"10.0.0.1:1", []string{`203.0.113.9, 203".0.113.8`}, "10.0.0.1"},
		"mapped":                 {"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"unix socket":            {"@", []string{"203.0.113.9"}, "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tc.peer
		r.Header["X-Forwarded-For"] = tc.hops
		for _, name := range []string{"X-Real-Ip", "True-Client-Ip", "Forwarded", "Cf-Connecting-Ip"} {
			r.Header.Set(name, "192.0.2.99")
		}
		if got := clientOf(r, proxies).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// ask posts a request of a client and returns the status.
func ask(h http.Handler, client, email string) int {
	r := httptest.NewRequest(http.MethodPost, "/account/forgot_password", strings.NewReader(`{"email":"`+email+`"}`))
	r.Header.Set("Content-Type", typeJSON)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(client), 4711).String()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code == 429 && w.Header().Get("Retry-After") != "60" {
		return 0
	}
	return w.Code
}

func limited(n int) func(*Config) { return func(c *Config) { c.ClientLimit = n } }

// security 3: a client has one limit for all addresses that it requests mails for.
func TestLimitPerClient(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{}
	h := newTestHandler(t, resets, limited(3))
	var got []int
	for i := range 4 {
		got = append(got, ask(h, "198.51.100.7", fmt.Sprintf("user%d@example.com", i)))
	}
	got = append(got, ask(h, "198.51.100.8", "user1@example.com"))
	if diff := cmp.Diff([]int{200, 200, 200, 429, 200}, got); diff != "" || len(resets.calls) != 4 {
		t.Errorf("%d calls, %s", len(resets.calls), diff)
	}
}

// security 3: an IPv6 customer has a /64, and perhaps the /48 around it.
func TestLimitIPv6(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{}, limited(1))
	if got := ask(h, "2001:db8:1:0::1", "a@example.com"); got != 200 {
		t.Errorf("first: %d", got)
	}
	for range 100 { // a greedy /64 must not use up its neighbours' share
		if got := ask(h, "2001:db8:1:0:ffff::2", "a@example.com"); got != 429 {
			t.Errorf("same /64: %d", got)
		}
	}
	for i := 1; i < sitesPerBlock; i++ {
		if got := ask(h, fmt.Sprintf("2001:db8:1:%x::1", i), "a@example.com"); got != 200 {
			t.Errorf("/64 number %d of the /48: %d", i, got)
		}
	}
	if got := ask(h, "2001:db8:1:ffff::1", "a@example.com"); got != 429 {
		t.Errorf("the /48 is used up: %d", got)
	}
	if got := ask(h, "2001:db8:2::1", "a@example.com"); got != 200 {
		t.Errorf("another /48: %d", got)
	}
}

func TestLimitOff(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{}, limited(0))
	for range 1000 {
		if got := ask(h, "198.51.100.7", "a@example.com"); got != 200 {
			t.Fatal(got)
		}
	}
}

// Reads that call Temporal have a limit of their own, wide enough for a page that waits.
func TestLimitOfReads(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{link: starter.Link{State: starter.LinkPending}}
	h := newTestHandler(t, resets, limited(10))
	for i := range 10*readsPerPost + 1 {
		want := 200
		if i == 10*readsPerPost {
			want = 429
		}
		if w := exchange(h, "GET", "/account/reset_password/T", ""); w.Code != want {
			t.Fatalf("read %d: %d", i, w.Code)
		}
	}
	if got := ask(h, "192.0.2.1", "a@example.com"); got != 200 {
		t.Errorf("the reads used up the posts: %d", got)
	}
}
