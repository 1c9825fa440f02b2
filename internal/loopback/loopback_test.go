package loopback_test

import (
	"net/url"
	"testing"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// A URL in clear is one of this machine only.
func TestSealed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://login.example.com": true, "https://127.0.0.1": true, "http://127.0.0.1:80/a": true, "http://[::1]:80": true, "http://[::1]": true,
		"http://localhost": true, "http://login.example.com": false, "http://localhost.example.com": false, "ftp://127.0.0.1": false, "//127.0.0.1": false, "": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if loopback.Sealed(u) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

// A URL that people or programs open is of the web and names a host.
func TestWeb(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://app.example.com/login": true, "http://127.0.0.1:80": true, "HTTP://app.example.com": true,
		"https://:443": false, "https:///login": false, "https:app.example.com": false, "//app.example.com": false, "/login": false, "javascript:alert(1)": false, "ftp://app.example.com": false, "": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if loopback.Web(u) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}

// security 21: only loopback may be spoken to in clear.
func TestIs(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.10": true, "127.0.0.1:80": true, "::1": true, "[::1]": true, "[::1]:80": true, "localhost": true, "localhost:80": true,
		"::ffff:127.0.0.1":  true,
		"login.example.com": false, "10.0.0.1": false, "10.0.0.1:80": false, "::": false, "[::]": false, "[2001:db8::1]": false, "[::11": false, "0.0.0.0": false,
		"localhost.example.com": false, "127.0.0.1.example.com": false, "127.1": false, "": false, ":80": false,
	} {
		if loopback.Is(host) != want {
			t.Errorf("%q: %t", host, !want)
		}
	}
}
