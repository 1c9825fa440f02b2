package codecserver_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/codecserver"
)

// who calls an Auth with a request with these headers.
func who(a codecserver.Auth, headers ...string) (string, error) {
	r := request("", func(r *http.Request) {
		r.Header.Del("Authorization")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
	})
	return a.Who(r)
}

// security 24.
func TestBearer(t *testing.T) {
	t.Parallel()
	a := value[codecserver.Auth](t)(codecserver.Bearer(secret))
	for _, header := range []string{"Bearer " + secret, "bearer " + secret} {
		if name, err := who(a, "Authorization", header); name != "bearer" || err != nil {
			t.Errorf("%s: %q, %v", header, name, err)
		}
	}
	for _, header := range []string{
		"", secret, "Bearer", "Bearer ", "Bearer " + secret[1:], "Bearer " + secret + "0", "Bearer " + strings.ToUpper(secret),
		"Bearer  " + secret, "Basic " + secret,
	} {
		if name, err := who(a, "Authorization", header); name != "" || !errors.Is(err, codecserver.ErrUnknown) {
			t.Errorf("%q: %q, %v", header, name, err)
		}
	}
	if _, err := who(a); !errors.Is(err, codecserver.ErrUnknown) {
		t.Errorf("without: %v", err)
	}
	if _, err := who(a, "Authorization", "Bearer "+secret, "Authorization", "Bearer "+secret); !errors.Is(err, codecserver.ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
}

// security 24.
func TestBasic(t *testing.T) {
	t.Parallel()
	a := value[codecserver.Auth](t)(codecserver.Basic(secret))
	typed := func(name, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	if name, err := who(a, "Authorization", typed("olga", secret)); name != "olga" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	for _, header := range []string{
		"", "Bearer " + secret, typed("olga", ""), typed("olga", secret[1:]), typed("olga", secret+"0"), typed("", secret),
		typed(strings.Repeat("o", 257), secret), "Basic " + secret,
	} {
		if name, err := who(a, "Authorization", header); name != "" || !errors.Is(err, codecserver.ErrUnknown) {
			t.Errorf("%q: %q, %v", header, name, err)
		}
	}
	if _, err := codecserver.Basic(secret[1:]); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	a := value[codecserver.Auth](t)(codecserver.Proxy(secret, "X-Forwarded-User"))
	if name, err := who(a, "Authorization", "Bearer "+secret, "X-Forwarded-User", "olga"); name != "olga" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
	for name, headers := range map[string][]string{
		"no secret":    {"X-Forwarded-User", "olga"},
		"wrong secret": {"Authorization", "Bearer " + secret + "0", "X-Forwarded-User", "olga"},
		"nobody":       {"Authorization", "Bearer " + secret},
		"empty":        {"Authorization", "Bearer " + secret, "X-Forwarded-User", ""},
		"two":          {"Authorization", "Bearer " + secret, "X-Forwarded-User", "olga", "X-Forwarded-User", "mallory"},
		"long":         {"Authorization", "Bearer " + secret, "X-Forwarded-User", strings.Repeat("o", 257)},
	} {
		if got, err := who(a, headers...); got != "" || !errors.Is(err, codecserver.ErrUnknown) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", secret[1:]} {
		if _, err := codecserver.Bearer(text); err == nil {
			t.Errorf("Bearer of %d characters: no error", len(text))
		}
		if _, err := codecserver.Proxy(text, "X-Forwarded-User"); err == nil {
			t.Errorf("Proxy of %d characters: no error", len(text))
		}
	}
}

// says is an Auth with an answer.
type says struct {
	name string
	err  error
}

func (s says) Who(*http.Request) (string, error) { return s.name, s.err }

// One way to prove it is enough; that one cannot be checked is said only when none does.
func TestWays(t *testing.T) {
	t.Parallel()
	yes, no, down := says{name: "olga"}, says{err: codecserver.ErrUnknown}, says{err: codecserver.ErrUnavailable}
	for _, tc := range []struct {
		ways   []codecserver.Auth
		status int
	}{
		{[]codecserver.Auth{no, yes}, 200},
		{[]codecserver.Auth{down, yes}, 200},
		{[]codecserver.Auth{no, no}, 401},
		{[]codecserver.Auth{down, no}, 503},
		{[]codecserver.Auth{no, down}, 503},
	} {
		s := newServer(t, func(c *codecserver.Config) { c.Auth = tc.ways })
		a := s.ask(t, request(s.sealed(t, "x"), nil))
		if a.status != tc.status || (tc.status == 200) != strings.Contains(s.log.String(), `"who":"olga"`) {
			t.Errorf("%v: %d, log %s", tc.ways, a.status, s.log.String())
		}
		if (tc.status == 401) != (a.header.Get("WWW-Authenticate") == "Bearer") {
			t.Errorf("%v: WWW-Authenticate %q", tc.ways, a.header.Get("WWW-Authenticate"))
		}
	}
}
