// Package authority issues certificates to the servers and clients of a test.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority is a certificate authority of one test.
type Authority struct {
	File string // its certificate, in PEM

	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// New makes an authority.
func New(t *testing.T) *Authority {
	t.Helper()
	a := &Authority{}
	template := of("authority")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	a.File, _ = a.issue(t, template)
	return a
}

// Issue returns the files of a certificate and its key, in PEM. Without a change it is for a client
// and for a server on 127.0.0.1, and valid for an hour.
func (a *Authority) Issue(t *testing.T, name string, change func(*x509.Certificate)) (certificate, key string) {
	t.Helper()
	template := of(name)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	if change != nil {
		change(template)
	}
	return a.issue(t, template)
}

// Client is the configuration of a client that trusts the authority, with the certificate in the
// files, or with none.
func (a *Authority) Client(t *testing.T, files ...string) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	config := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if len(files) == 2 {
		pair, err := tls.LoadX509KeyPair(files[0], files[1])
		check(t, err)
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

func of(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue signs with the authority's key; the first certificate is its own.
func (a *Authority) issue(t *testing.T, template *x509.Certificate) (certificate, key string) {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer, a.key = template, own, own
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, own.Public(), signer)
	check(t, err)
	if a.certificate == nil {
		a.certificate, err = x509.ParseCertificate(der)
		check(t, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	check(t, err)
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	write(t, certificate, "CERTIFICATE", der)
	write(t, key, "PRIVATE KEY", private)
	return certificate, key
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	check(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
