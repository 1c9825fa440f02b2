package codecserver

import (
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/internal/bearer"
)

// Auth is one way to authenticate the sender of a request.
type Auth interface {
	// This method names the sender for the log. It must be safe for concurrent use and must
	// not hold on to the request. Errors: ErrUnknown when the request does not prove it,
	// ErrUnavailable when that cannot be found out now.
	Who(*http.Request) (string, error)
}

// MinSecret is the least number of characters of a secret: 128 bits in hex.
const MinSecret = bearer.MinLength

// Bearer knows holders of a secret: operators, with Temporal's command line (temporal
// --codec-auth "Bearer ..."). It is not for browsers.
func Bearer(text string) (Auth, error) {
	s, err := bearer.New(text)
	if err != nil {
		return nil, err
	}
	return bearerAuth{s}, nil
}

type bearerAuth struct{ bearer.Secrets }

func (b bearerAuth) Who(r *http.Request) (string, error) {
	if b.Presented(r) == 0 {
		return "", ErrUnknown
	}
	return "bearer", nil
}

// Basic knows holders of a secret who type it into the dialog of a browser as their password, with
// a user name that they choose (RFC 7617). The name is for the log and proves nothing. It is for
// pages of the codec server's own origin, because a browser sends the password to no other.
func Basic(text string) (Auth, error) {
	s, err := bearer.New(text)
	if err != nil {
		return nil, err
	}
	return basicAuth{s}, nil
}

type basicAuth struct{ bearer.Secrets }

func (b basicAuth) Who(r *http.Request) (string, error) {
	name, text, _ := r.BasicAuth()
	if b.Which(text) == 0 || name == "" || len(name) > maxWho {
		return "", ErrUnknown
	}
	return name, nil
}

// Sender names the sender of a request, by the first way that knows it. Errors: ErrUnknown, ErrUnavailable.
func Sender(ways []Auth, r *http.Request) (who string, err error) {
	reason := ErrUnknown
	for _, a := range ways {
		who, err := a.Who(r)
		if err == nil {
			return who, nil
		}
		if !errors.Is(err, ErrUnknown) {
			reason = err
		}
	}
	return "", reason
}

// Proxy knows an authenticating proxy by a secret of its own. The proxy puts it into the
// Authorization header in place of the client's value. It has read the client's cookies and
// names the person in a header.
//
// Where a request comes from proves nothing: every process of a machine reaches its
// loopback addresses, and so does every page in its browsers.
func Proxy(text, userHeader string) (Auth, error) {
	s, err := bearer.New(text)
	if err != nil {
		return nil, err
	}
	return proxyAuth{s, userHeader}, nil
}

type proxyAuth struct {
	bearer.Secrets

	userHeader string
}

// maxWho bounds a name in the log.
const maxWho = 256

// proxyAuth also requires a person: a proxy that lets requests through without a sign-in is set
// up wrongly.
func (p proxyAuth) Who(r *http.Request) (string, error) {
	names := r.Header.Values(p.userHeader)
	if p.Presented(r) == 0 || len(names) != 1 || names[0] == "" || len(names[0]) > maxWho {
		return "", ErrUnknown
	}
	return names[0], nil
}
