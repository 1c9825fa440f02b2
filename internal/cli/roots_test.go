package cli

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"
)

// scratch is set in the copy of the test binary without system authorities.
const scratch = "SCRATCH_TEST"

// security 44: without system authorities, the embedded ones accept a certificate of the public
// web, and no made-up one.
func TestRootsAreEmbedded(t *testing.T) {
	t.Parallel()
	if os.Getenv(scratch) != "" {
		verify(t)
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	alone := exec.CommandContext(t.Context(), self, "-test.run=^TestRootsAreEmbedded$")
	alone.Env = append(os.Environ(), scratch+"=1", "SSL_CERT_FILE=/nonexistent", "SSL_CERT_DIR=/nonexistent")
	if out, err := alone.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func verify(t *testing.T) {
	t.Helper()
	leaf, issuer := publicChain(t)
	between := x509.NewCertPool()
	between.AddCert(issuer)
	public := x509.VerifyOptions{DNSName: "www.google.com", Intermediates: between, CurrentTime: time.Unix(1677615892, 0)}
	if _, err := leaf.Verify(public); err != nil {
		t.Errorf("a public certificate: %v", err)
	}
	own := httptest.NewTLSServer(nil)
	defer own.Close()
	if _, err := own.Certificate().Verify(x509.VerifyOptions{DNSName: "example.com"}); err == nil {
		t.Error("a certificate that this test made is taken")
	}
}

func publicChain(t *testing.T) (leaf, issuer *x509.Certificate) {
	t.Helper()
	rest, err := os.ReadFile("testdata/public.pem")
	if err != nil {
		t.Fatal(err)
	}
	var chain [2]*x509.Certificate
	for i := range chain {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if chain[i], err = x509.ParseCertificate(block.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	return chain[0], chain[1]
}
