package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// warnings sends the same requests twice and returns the warnings.
func warnings(t *testing.T, posts int, requests ...[2]string) []string {
	t.Helper()
	var log bytes.Buffer
	h := newTestHandler(t, &fakeResets{}, func(c *Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		c.ClientLimit, c.Log = 4, zerolog.New(&log)
	})
	for range posts {
		for _, each := range requests {
			r := httptest.NewRequest(http.MethodPost, "/account/forgot_password", strings.NewReader(`{"email":"a@example.com"}`))
			r.Header.Set("Content-Type", typeJSON)
			r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(each[0]), 4711).String()
			if each[1] != "" {
				r.Header.Set("X-Forwarded-For", each[1])
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	var found []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `"level":"warn"`) {
			found = append(found, line)
		}
	}
	return found
}

// Proxies and settings that do not fit are logged once, with the remedy.
func TestProxiesThatDoNotFitAreTold(t *testing.T) {
	t.Parallel()
	const flag = "--trusted-proxies ($REKEY_TRUSTED_PROXIES)"
	for name, tc := range map[string]struct {
		posts    int
		requests [][2]string
		want     [][]string // parts of each warning
	}{
		"they fit":             {2, [][2]string{{"10.0.0.1", "203.0.113.9"}, {"198.51.100.7", ""}}, nil},
		"a proxy inside":       {2, [][2]string{{"192.168.1.1", "203.0.113.9"}}, [][]string{{"an untrusted peer", flag, `"addr":"192.168.1.1"`}}},
		"a stranger's claim":   {2, [][2]string{{"198.51.100.7", "203.0.113.9"}}, [][]string{{"an untrusted peer", flag, "198.51.100.7"}}},
		"first a stranger":     {2, [][2]string{{"198.51.100.7", "1.2.3.4"}, {"192.168.1.1", "1.2.3.4"}}, [][]string{{"198.51.100.7"}, {"192.168.1.1"}}},
		"strangers, one line":  {2, [][2]string{{"198.51.100.7", "1.2.3.4"}, {"198.51.100.8", "1.2.3.4"}}, [][]string{{"198.51.100.7"}}},
		"no header":            {2, [][2]string{{"10.0.0.1", ""}}, [][]string{{"named no client", flag, `"addr":"10.0.0.1"`}}},
		"unknown":              {2, [][2]string{{"10.0.0.1", "unknown"}}, [][]string{{"named no client", flag}}},
		"nothing but proxies":  {2, [][2]string{{"10.0.0.1", "10.0.0.2"}}, [][]string{{"or named only trusted addresses", flag}}},
		"a silent proxy":       {6, [][2]string{{"192.168.1.1", ""}}, [][]string{{"too many requests", flag, "192.168.1.1"}}},
		"a second proxy":       {6, [][2]string{{"10.0.0.1", "203.0.113.9, 100.64.0.1"}}, [][]string{{"too many requests", flag, "100.64.0.1"}}},
		"a person in a hurry":  {6, [][2]string{{"198.51.100.7", ""}}, nil},
		"a person and a proxy": {6, [][2]string{{"10.0.0.1", "203.0.113.9"}}, nil},
	} {
		got := warnings(t, tc.posts, tc.requests...)
		if len(got) != len(tc.want) {
			t.Errorf("%s: %q", name, got)
			continue
		}
		for i, parts := range tc.want {
			for _, part := range parts {
				if !strings.Contains(got[i], part) {
					t.Errorf("%s: %s; want %q in it", name, got[i], part)
				}
			}
		}
	}
}
