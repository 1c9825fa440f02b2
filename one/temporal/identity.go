package temporal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"time"
)

// identityLife is longer than any process runs: each start makes another identity.
const identityLife = 10 * 365 * 24 * time.Hour

// Identity is a certificate with its key that a server shows its clients, and each client the
// server. It is its own authority. So only processes that have it reach any port of the server,
// and no other user of the machine. It is safe for concurrent use.
type Identity struct {
	pem  []byte
	pair tls.Certificate
	pool *x509.CertPool
}

// NewIdentity makes an identity for addresses of loopback.
func NewIdentity() (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "rekey one"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(identityLife), // a clock may be set back
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{serverName}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := errors.Join(
		pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		pem.Encode(&text, &pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	); err != nil {
		return nil, err
	}
	i := &Identity{pem: text.Bytes(), pool: x509.NewCertPool()}
	i.pool.AppendCertsFromPEM(i.pem)
	i.pair, err = tls.X509KeyPair(i.pem, i.pem)
	return i, err
}

// serverName is the name that clients expect of every address of the server.
const serverName = "localhost"

// PEM is the certificate and then its secret key, which others must not read.
func (i *Identity) PEM() []byte { return bytes.Clone(i.pem) }

// Client is the configuration of a client; nil without an identity.
func (i *Identity) Client() *tls.Config {
	if i == nil {
		return nil
	}
	return &tls.Config{
		Certificates: []tls.Certificate{i.pair}, RootCAs: i.pool, ServerName: serverName, MinVersion: tls.VersionTLS13,
	}
}

// server is the configuration of all four services; nil without an identity.
func (i *Identity) server() *tls.Config {
	if i == nil {
		return nil
	}
	return &tls.Config{
		Certificates: []tls.Certificate{i.pair}, ClientCAs: i.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
}
