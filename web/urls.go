package web

import (
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/link"
)

// wellKnownPath is the path that password managers open (W3C, change-password-url).
const wellKnownPath = "/.well-known/change-password"

// CheckChangePasswordURL judges the page on which a signed-in user changes the password. Every
// client gets it as a redirect. So it has no user name and no password, and does not lead back to
// the redirect. Errors do not repeat it.
func CheckChangePasswordURL(change string, base link.BaseURL) error {
	u, err := url.Parse(change)
	switch {
	case err != nil || u.Hostname() == "" || !loopback.Sealed(u):
		return errors.New("want a URL of https such as https://app.example.com/account/password")
	case u.User != nil:
		return errors.New("want a URL without user name and password, since every visitor is redirected to it")
	case strings.HasSuffix(path.Clean(u.Path), wellKnownPath) && host(u) == host(base.URL()):
		return errors.New("it redirects to itself forever: want your own page, or none for the page that requests a mail")
	}
	return nil
}

// host is the host of a URL as browsers request it, with its port only if that is unusual. The
// scheme does not matter: most servers redirect http to https.
func host(u *url.URL) string {
	name := u.Host
	if spelled, err := link.ParseBaseURL(u.Scheme + "://" + u.Host); err == nil {
		name = spelled.URL().Host
	}
	return strings.TrimSuffix(strings.TrimSuffix(name, ":443"), ":80")
}

// CheckLoginURL judges the sign-in target: a URL of http or https, or a path on the same host. It
// keeps javascript: and the like out of a button, and //host/..., which looks like a path.
func CheckLoginURL(login string) error {
	u, err := url.Parse(login)
	if err != nil || !loopback.Web(u) && (u.Scheme != "" || u.Host != "" || u.Opaque != "") {
		return errors.New("want a URL such as https://app.example.com/login, or a path on the same host")
	}
	return nil
}
