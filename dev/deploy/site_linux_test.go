package deploy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// site is docker-compose.yml on this machine without an engine: each service has a loopback
// address of its own in place of a container.
type site struct {
	*types.Project

	secrets, keys string // folders of the output of deploy/compose/secrets.sh and the job keys
	network       string // the first three bytes of the addresses
}

// services with a name that others call them by, and the last byte of their address.
var hosts = map[string]int{"temporal": 1, "postgres": 2, "mailpit": 3, "starter": 4, "codec": 5, "worker": 6, "worker2": 7}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{
		Project: compose(t), secrets: filepath.Join(t.TempDir(), "secrets"),
		network: fmt.Sprintf("127.%d.%d.", 1+rand.IntN(254), rand.IntN(255)),
	}
	// A process outside of a container has no name to find PostgreSQL by, so its certificate
	// has the address too.
	text := replaced(t, filepath.Join(root, "deploy/compose/secrets.sh"), []string{"=DNS:%s", "=DNS:%s,IP:" + s.address("postgres")})
	script(t, exec.CommandContext(t.Context(), "sh", "-c", text, "secrets.sh", s.secrets))
	return s
}

// script runs a command that must go well.
func script(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
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

// container is one of a service, which knows the others by name.
func (s *site) container(t *testing.T, name string) *container {
	t.Helper()
	c := service(t, s.Services[strings.TrimSuffix(name, "2")], s.secrets, s.keys)
	var known strings.Builder
	for host := range hosts {
		fmt.Fprintln(&known, s.address(host), host)
	}
	c.write(t, "/etc/hosts", []byte(known.String()), 0o444)
	for _, listen := range []string{"REKEY_LISTEN", "REKEY_CODEC_LISTEN", "REKEY_OPS_LISTEN"} {
		for _, v := range c.env {
			if port, ok := strings.CutPrefix(v, listen+"="); ok {
				c.set(listen, s.address(name)+port[strings.LastIndex(port, ":"):])
				break
			}
		}
	}
	return c
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
