package deploy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/rekeyhq/rekey/dev/inbox"
)

// site is docker-compose.yml on this machine without an engine: each service has a loopback
// address of its own in place of a container.
type site struct {
	*types.Project

	secrets string // the folder that deploy/compose/prepare.sh fills
	network string // the first three bytes of the addresses
}

// services with a name that others call them by, and the last byte of their address.
var hosts = map[string]int{"temporal": 1, "postgres": 2, "mailpit": 3, "starter": 4, "codec": 5, "worker": 6, "worker2": 7}

// makeSecrets runs deploy/compose/prepare.sh in a folder. A process outside of a container has no name
// to find PostgreSQL by, so certificates have addresses too.
func (s *site) makeSecrets(t *testing.T, dir string) {
	t.Helper()
	names := []string{"=DNS:%s"}
	for host := range hosts {
		names = append(names, "IP:"+s.address(host))
	}
	copyCompose(t, dir, names[0], strings.Join(names, ","))
	script(t, prepare(t, dir, "26.0.0", "2.26.0"))
	s.secrets = filepath.Join(dir, "deploy/compose/secrets")
}

func (s *site) address(name string) string { return fmt.Sprintf("%s%d", s.network, hosts[name]) }

// secret is the content of a secret.
func (s *site) secret(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.secrets, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// setting is an environment variable of a service, with this machine's paths and addresses.
func (s *site) setting(name, variable string) string {
	value := *s.Services[name].Environment[variable]
	value = strings.ReplaceAll(value, "/run/secrets", s.secrets)
	switch value {
	case "0.0.0.0":
		return s.address(name)
	case "postgres":
		return s.address(value)
	case "/temporal.yaml":
		return filepath.Join(root, "deploy/compose/temporal.yaml")
	}
	return value
}

// trust is TLS as the services' clients have it.
func (s *site) trust(t *testing.T, name string) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(s.secret(t, "ca.crt"))) {
		t.Fatal("no certificate in ca.crt")
	}
	return &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS12}
}

// secured puts TLS with the certificate of a service in front of a server without it.
func (s *site) secured(t *testing.T, name, port, behind string) {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(filepath.Join(s.secrets, name+".crt"), filepath.Join(s.secrets, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", net.JoinHostPort(s.address(name), port), &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go pass(client, behind)
		}
	}()
}

func pass(client net.Conn, behind string) {
	defer client.Close()
	server, err := net.Dial("tcp", behind)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	_, _ = io.Copy(client, server)
}

// startInbox starts a mail server with the certificate of Mailpit.
func (s *site) startInbox(t *testing.T) *inbox.Inbox {
	t.Helper()
	mails, err := inbox.Start("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mails.Close() })
	s.secured(t, "mailpit", "1025", mails.SMTPAddr())
	return mails
}
