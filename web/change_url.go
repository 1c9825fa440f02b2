package web

import (
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/link"
)

// wellKnownPath is where password managers ask (W3C, change-password-url).
const wellKnownPath = "/.well-known/change-password"

// CheckChangePasswordURL judges the page on which a user who is signed in changes the password.
// Anybody gets it as a redirect, so it has no user name and no password, and it does not lead
// back to the redirect. Errors do not repeat it.
func CheckChangePasswordURL(change, base string) error {
	u, err := url.Parse(change)
	switch {
	case err != nil || u.Hostname() == "" || !loopback.Sealed(u):
		return errors.New("want a URL of https such as https://app.example.com/account/password")
	case u.User != nil:
		return errors.New("want a URL without user name and password, since anybody is led to it")
	case strings.HasSuffix(path.Clean(u.Path), wellKnownPath) && sameHost(u, base):
		return errors.New("it leads to itself for ever: want your own page, or none for the page that asks for a mail")
	}
	return nil
}

// sameHost reports that a URL is of the host of a base URL. Whether either is http does not
// matter: most servers lead that to https.
func sameHost(u *url.URL, base string) bool {
	ours, err := url.Parse(base)
	return err == nil && host(u) == host(ours)
}

// host is a URL's as browsers ask for it, with the port only where it is an unusual one.
func host(u *url.URL) string {
	text, err := link.Base(u.Scheme + "://" + u.Host)
	if err != nil {
		return u.Host
	}
	_, name, _ := strings.Cut(text, "://")
	return strings.TrimSuffix(strings.TrimSuffix(name, ":443"), ":80")
}
