package link

import (
	"errors"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/idna"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// BaseURL is the public URL of the pages, with which links begin. It is an absolute http or
// https URL, whose path may be that of a folder. It has one form in every spelling: the host in
// lower case and in ASCII, no slash at the end. The zero BaseURL is none.
type BaseURL struct {
	text string
	url  url.URL
}

// ParseBaseURL reads a base URL. A host in other letters becomes A-labels (RFC 5891), as
// browsers request it. Links go through mails, where letters beyond ASCII are not safe. Errors
// do not repeat the text, which may hold a password.
func ParseBaseURL(text string) (BaseURL, error) {
	u, err := url.Parse(text)
	if err != nil || !loopback.Web(u) || u.User != nil || strings.ContainsAny(text, "?#") {
		return BaseURL{}, errors.New("base URL: want a URL such as https://accounts.example.com, without user, query and fragment")
	}
	if u.Host, err = inASCII(u.Host); err == nil {
		u, err = url.Parse(strings.TrimRight(u.String(), "/"))
	}
	if err != nil {
		return BaseURL{}, errors.New("base URL: the host is not a valid name")
	}
	return BaseURL{u.String(), *u}, nil
}

// MustParseBaseURL is [ParseBaseURL] for a constant. It panics when the text is no base URL.
func MustParseBaseURL(text string) BaseURL {
	b, err := ParseBaseURL(text)
	if err != nil {
		panic(err)
	}
	return b
}

// String is the URL in its one form, "" for none.
func (b BaseURL) String() string { return b.text }

// URL is the URL in its parts.
func (b BaseURL) URL() *url.URL { return &b.url }

// ForgotURL is the page for requesting a mail.
func (b BaseURL) ForgotURL() string { return b.text + "/account/forgot-password" }

// inASCII leaves a host that is in ASCII as it is but for its case: links that are mailed
// already were bound to that.
func inASCII(host string) (string, error) {
	if !strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return strings.ToLower(host), nil
	}
	name, port, found := strings.Cut(host, ":") // an IP address has no such letters
	name, err := idna.Lookup.ToASCII(name)
	if found {
		name += ":" + port
	}
	return name, err
}
