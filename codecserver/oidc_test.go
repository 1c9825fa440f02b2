package codecserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

const (
	issuer   = "https://login.example.com"
	audience = "temporal-ui"
)

// identity is an OpenID Connect issuer in this process; it is the way there as well.
type identity struct {
	oidctest.Server
	key   *ecdsa.PrivateKey
	asked map[string]int                              // requests by path
	fault func(*http.Request) (*http.Response, error) // instead of an answer
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	i := &identity{asked: map[string]int{}}
	i.SetIssuer(issuer)
	i.Algorithms = []string{oidc.ES256}
	i.key = i.sign(t, "first")
	return i
}

// sign makes the issuer's only key.
func (i *identity) sign(t *testing.T, id string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.PublicKeys = []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: id, Algorithm: oidc.ES256}}
	return key
}

func (i *identity) RoundTrip(r *http.Request) (*http.Response, error) {
	i.asked[r.URL.Path]++
	if i.fault != nil {
		return i.fault(r)
	}
	rec := httptest.NewRecorder()
	i.ServeHTTP(rec, r)
	answer := rec.Result()
	answer.Request = r
	return answer, nil
}

func (i *identity) auth(t *testing.T) Auth {
	t.Helper()
	a, err := newOIDC(t.Context(), i, issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// claims are those of an authorized person, with some changed.
func claims(t *testing.T, changed map[string]any) string {
	t.Helper()
	all := map[string]any{"iss": issuer, "aud": []string{"api", audience}, "sub": "olga", "exp": time.Now().Add(time.Minute).Unix()}
	maps.Copy(all, changed)
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (i *identity) jwt(t *testing.T, changed map[string]any) string {
	t.Helper()
	return oidctest.SignIDToken(i.key, "first", oidc.ES256, claims(t, changed))
}

func whoHas(t *testing.T, a Auth, jwt string) (string, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/decode", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+jwt)
	return a.Who(r)
}

func unknown(t *testing.T, a Auth, what, jwt string) {
	t.Helper()
	if name, err := whoHas(t, a, jwt); name != "" || !errors.Is(err, ErrUnknown) {
		t.Errorf("%s: %q, %v", what, name, err)
	}
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(t)
		a := i.auth(t)
		for range 3 {
			if name, err := whoHas(t, a, i.jwt(t, nil)); name != "olga" || err != nil {
				t.Fatalf("%q, %v", name, err)
			}
		}
		if i.asked["/keys"] != 1 {
			t.Errorf("the issuer was asked %v", i.asked)
		}
		for what, changed := range map[string]map[string]any{
			"another audience": {"aud": "another"},
			"no audience":      {"aud": nil},
			"another issuer":   {"iss": "https://evil.example.com"},
			"expired":          {"exp": time.Now().Add(-time.Second).Unix()},
			"never expires":    {"exp": nil},
			"not yet":          {"nbf": time.Now().Add(time.Hour).Unix()},
			"nobody":           {"sub": ""},
			"long name":        {"sub": strings.Repeat("o", 257)},
			"long":             {"more": strings.Repeat("o", maxJWT)},
		} {
			unknown(t, a, what, i.jwt(t, changed))
		}
		unknown(t, a, "opaque", "2YotnFZFEjr1zCsicMWpAA")
		unknown(t, a, "nothing", "")
		other := newIdentity(t)
		unknown(t, a, "another key under the same ID", other.jwt(t, nil))
	})
}

// A JWT without a signature, and one that is "signed" with the public key as the password.
func TestOIDCAlgorithms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(t)
		a := i.auth(t)
		_, payload, _ := strings.Cut(i.jwt(t, nil), ".")
		payload, _, _ = strings.Cut(payload, ".")
		unknown(t, a, "none", "eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ."+payload+".")
		public, err := i.key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		forged := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"first"}`)) + "." + payload
		mac := hmac.New(sha256.New, public)
		mac.Write([]byte(forged))
		unknown(t, a, "HS256", forged+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	})
}

// Forged access tokens do not become requests to the issuer, and an issuer that rotates its
// keys is followed.
func TestOIDCAsksTheIssuerSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(t)
		a, old := i.auth(t), i.jwt(t, nil)
		mallory := newIdentity(t)
		for range 100 {
			unknown(t, a, "forged", oidctest.SignIDToken(mallory.key, "no such key", oidc.ES256, claims(t, nil)))
		}
		if i.asked["/keys"] != 1 {
			t.Errorf("the issuer was asked %v", i.asked)
		}
		i.key = i.sign(t, "second")
		renewed := oidctest.SignIDToken(i.key, "second", oidc.ES256, claims(t, nil))
		time.Sleep(fetchPause)
		if name, err := whoHas(t, a, renewed); name != "olga" || err != nil {
			t.Errorf("after a rotation: %q, %v", name, err)
		}
		unknown(t, a, "of a withdrawn key", old)
	})
}

func TestOIDCIssuerIsAway(t *testing.T) {
	t.Parallel()
	faults := map[string]func(*http.Request) (*http.Response, error){
		"refuses": func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") },
		"fails": func(*http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			rec.WriteHeader(http.StatusBadGateway)
			return rec.Result(), nil
		},
		"hangs": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"redirects": func(r *http.Request) (*http.Response, error) {
			rec := httptest.NewRecorder()
			http.Redirect(rec, r, "https://login.example.com/elsewhere", http.StatusFound)
			return rec.Result(), nil
		},
	}
	for what, fault := range faults {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := newIdentity(t)
				i.fault = fault
				start := time.Now()
				if _, err := newOIDC(t.Context(), i, issuer, audience); err == nil {
					t.Error("started without the issuer's configuration")
				}
				i.fault = nil
				a := i.auth(t)
				i.fault = fault
				if name, err := whoHas(t, a, i.jwt(t, nil)); name != "" || !errors.Is(err, ErrUnavailable) {
					t.Errorf("%q, %v", name, err)
				}
				if took := time.Since(start); took > 2*fetchTimeout {
					t.Errorf("took %s", took)
				}
				if i.asked["/elsewhere"] != 0 {
					t.Error("followed a redirect")
				}
				i.fault = nil
				synctest.Wait() // the library forgets a failed fetch a moment after it has reported it
				if name, err := whoHas(t, a, i.jwt(t, nil)); name != "olga" || err != nil {
					t.Errorf("when it is back: %q, %v", name, err)
				}
			})
		})
	}
}

// While the issuer is away, its known keys still count.
func TestOIDCExpiredIsNotUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := newIdentity(t)
		a := i.auth(t)
		if _, err := whoHas(t, a, i.jwt(t, nil)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(fetchPause)
		i.fault = func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") }
		_, _ = whoHas(t, a, oidctest.SignIDToken(newIdentity(t).key, "no such key", oidc.ES256, claims(t, nil)))
		if name, err := whoHas(t, a, i.jwt(t, nil)); name != "olga" || err != nil {
			t.Errorf("%q, %v", name, err)
		}
		unknown(t, a, "expired", i.jwt(t, map[string]any{"exp": time.Now().Add(-time.Second).Unix()}))
	})
}

func TestOIDCRefusesToStart(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	if _, err := newOIDC(t.Context(), i, issuer, ""); err == nil || !strings.Contains(err.Error(), "audience") {
		t.Errorf("without an audience: %v", err)
	}
	if _, err := newOIDC(t.Context(), i, "http://login.example.com", audience); err == nil || !strings.Contains(err.Error(), "must be reached by https") {
		t.Errorf("in clear: %v", err)
	}
	if _, err := newOIDC(t.Context(), i, "https://evil.example.com", audience); err == nil || !strings.Contains(err.Error(), "evil") {
		t.Errorf("another issuer: %v", err)
	}
	if i.asked["/.well-known/openid-configuration"] != 1 { // of the last
		t.Errorf("asked %v", i.asked)
	}
}

// An issuer whose keys are fetched in clear gives them to any attacker on the way.
func TestOIDCKeysInClear(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	i.fault = func(*http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		rec.Header().Set("Content-Type", "application/json")
		_, err := rec.WriteString(`{"issuer":"` + issuer + `","jwks_uri":"http://login.example.com/keys","id_token_signing_alg_values_supported":["ES256"]}`)
		return rec.Result(), err
	}
	a := i.auth(t)
	i.fault = nil
	if name, err := whoHas(t, a, i.jwt(t, nil)); name != "" || !errors.Is(err, ErrUnavailable) || i.asked["/keys"] != 0 {
		t.Errorf("%q, %v, asked %v", name, err, i.asked)
	}
}
