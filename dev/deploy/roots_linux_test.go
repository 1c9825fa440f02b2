package deploy

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// issuer is an OpenID Connect issuer with a certificate that no authority of the world has
// signed, and that certificate. `rekey codec` calls its issuer before it listens.
func issuer(t *testing.T) (url string, certificate []byte) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.ReplaceAll(`{"issuer":"URL","jwks_uri":"URL/keys","authorization_endpoint":"URL/a","token_endpoint":"URL/t",
			"id_token_signing_alg_values_supported":["RS256"]}`, "URL", server.URL)))
	})
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}

// security 44: in an empty root the program has the embedded authorities and no other. It
// refuses a server that they have not signed, and believes the file of SSL_CERT_FILE. A setting
// of the Go runtime puts the embedded ones in its place, which proves that they are there.
func TestTLSIsVerifiedFromScratch(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	url, certificate := issuer(t)
	for name, run := range map[string]struct {
		env     []string
		refused bool
	}{
		"nothing around it":   {nil, true},
		"no such file":        {[]string{"SSL_CERT_FILE=/nonexistent", "SSL_CERT_DIR=/nonexistent"}, true},
		"the issuer's own":    {[]string{"SSL_CERT_FILE=/ca.pem"}, false},
		"embedded before own": {[]string{"SSL_CERT_FILE=/ca.pem", "GODEBUG=x509usefallbackroots=1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newContainer(t)
			c.env = run.env
			c.write(t, "/ca.pem", certificate, 0o444)
			c.write(t, "/keys/.keep", nil, 0o600)
			own(t, c.root+"/keys")
			c.okay(t, "keys", "new", "/keys")
			p := c.start(t, "codec", "--listen", "127.0.0.1:0", "--keys", "/keys", "--ui-origin", "https://temporal.example.com",
				"--oidc-issuer", url, "--oidc-audience", "rekey")
			if !run.refused {
				p.Await(t, p.Err, "codec server listens")
				return
			}
			if code := p.Exit(t); code != 1 || !strings.Contains(p.Err.String(), x509.UnknownAuthorityError{}.Error()) {
				t.Errorf("exit code %d: %s", code, p.Err)
			}
		})
	}
}
