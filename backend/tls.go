package backend

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/rekeyhq/rekey/internal/secretfile"
)

// TLS returns the configuration of a listener with a certificate and its key, in files of PEM. Both
// are read again for each connection, so that a renewed certificate counts without a restart. An
// error means that they cannot be used now, or that others may read or change the key.
func TLS(cert, key string) (*tls.Config, error) {
	load := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		chain, err := os.ReadFile(cert)
		if err != nil {
			return nil, err
		}
		secret, err := secretfile.Read(key)
		if err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(chain, secret)
		return &pair, err
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: load}, nil
}

// RequireClients makes a listener refuse every connection without a client certificate of one of
// the authorities in a file of PEM. The file is read once. All certificates of an authority count,
// so it is one for these backends alone. Set [Config.Certificates] too.
func RequireClients(config *tls.Config, authorities string) error {
	text, err := os.ReadFile(authorities)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s has no certificate in PEM", authorities)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool
	return nil
}
