package postgres_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

const secret = "hunter2-of-postgres"

// security 41: accounts travel in clear on this machine only. Beyond it the server has to prove
// its identity. Nothing is dialed before that is judged.
func TestClearIsForThisMachine(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithCancel(t.Context())
	cancel() // or those that may would connect
	for url, clear := range map[string]bool{
		"postgres://rekey@db.example.com/app":                                            true,
		"postgres://rekey@db.example.com/app?sslmode=disable":                            true,
		"postgres://rekey@db.example.com/app?sslmode=prefer":                             true,
		"postgres://rekey@db.example.com/app?sslmode=require":                            true,
		"postgres://rekey@db.example.com/app?sslmode=verify-ca":                          true,
		"postgres://rekey@db.example.com/app?sslmode=verify-full":                        false,
		"postgresql://rekey@db.example.com/app?sslmode=verify-full":                      false,
		"postgres://rekey@127.0.0.1/app?sslmode=disable":                                 false,
		"postgres://rekey@[::1]/app?sslmode=disable":                                     false,
		"postgres://rekey@localhost/app":                                                 false,
		"postgres:///app?host=/run/postgresql":                                           false,
		"postgres://rekey@localhost.example.com/app":                                     true,
		"postgres://rekey@127.0.0.1,db.example.com/app?sslmode=disable":                  true,
		"postgres://rekey@0.0.0.0/app":                                                   true,
		"postgres://rekey@localhost/app?host=db.example.com&sslmode=disable":             true,
		"postgres://rekey@db.example.com,db2.example.com/app?sslmode=verify-full":        false,
		"postgres://rekey@db.example.com/app?sslmode=disable&target_session_attrs=any":   true,
		"postgres://rekey@127.0.0.1/app?sslmode=allow&target_session_attrs=read-write":   false,
		"postgres://rekey@192.0.2.1/app?sslmode=allow&target_session_attrs=read-write":   true,
		"postgres://rekey@[2001:db8::1]:5433/app?sslmode=verify-full&pool_max_conns=200": false,
	} {
		_, err := postgres.Open(over, postgres.Config{URL: url})
		if errors.Is(err, postgres.ErrClear) != clear || errors.Is(err, postgres.ErrURL) || err == nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// Other users see a command line, a variable and the log.
func TestURLHoldsNoPassword(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]error{
		"postgres://rekey:" + secret + "@127.0.0.1/app":                      postgres.ErrPasswordInURL,
		"postgres://127.0.0.1/app?user=rekey&password=" + secret:             postgres.ErrPasswordInURL,
		"postgres://127.0.0.1/app?sslpassword=" + secret:                     postgres.ErrPasswordInURL,
		"postgres://rekey@127.0.0.1/app?service=" + secret:                   postgres.ErrService,
		"postgres://rekey@127.0.0.1/app?service=&servicefile=/dev/" + secret: postgres.ErrService,
		"postgres://rekey:" + secret + "%zz@127.0.0.1/app":                   postgres.ErrURL,
		"postgres://rekey:" + secret + "@127.0.0.1:port/app":                 postgres.ErrURL,
		"host=127.0.0.1 password=" + secret:                                  postgres.ErrURL,
		"mysql://rekey@127.0.0.1/" + secret:                                  postgres.ErrURL,
		"postgres://127.0.0.1/" + secret + "?connect_timeout=soon":           postgres.ErrURL,
		"postgres://127.0.0.1/" + secret + "?pool_max_conns=many":            postgres.ErrURL,
		"postgres://127.0.0.1/" + secret + "?sslmode=perhaps":                postgres.ErrURL,
		"postgres://127.0.0.1/" + secret + "?sslrootcert=/nowhere.pem":       postgres.ErrURL,
		"": postgres.ErrURL,
	} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		if !errors.Is(err, want) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("%s: %v", url, err)
		}
		if err := postgres.Migrate(t.Context(), postgres.Config{URL: url}, nil); !errors.Is(err, want) {
			t.Errorf("migrate %s: %v", url, err)
		}
	}
}

// The password of Config is the one that is used, and a wrong one has its own error.
func TestPassword(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.Database(t)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}))
	server.WantPassword(t, secret)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Password: secret})
	must(t, err)
	must(t, s.Close())
	_, err = postgres.Open(t.Context(), postgres.Config{URL: url, Password: "another " + secret})
	if err == nil || !strings.Contains(err.Error(), "or there is no such role (SQLSTATE 28P01)") || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v", err)
	}
}

// Open names the fault of a wrong setting.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	lossy := migrated(t)
	postgrestest.Exec(t, lossy, "DO $$ BEGIN EXECUTE 'ALTER DATABASE '||current_database()||' SET synchronous_commit = off'; END $$")
	for url, want := range map[string]string{
		"postgres://127.0.0.1:1/app?sslmode=disable":       "127.0.0.1:1: PostgreSQL: the connection failed: connection refused",
		strings.Replace(url, "/test_", "/none_", 1):        "there is no such database (SQLSTATE 3D000)",
		url + "&default_transaction_read_only=on":          "read-only",
		strings.Replace(url, "user=postgres", "user=n", 1): "or the pg_hba.conf of the server keeps it out (SQLSTATE 28000)",
		lossy: "synchronous_commit is off",
	} {
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		if err == nil { // a read works
			err = s.Record(t.Context(), entry())
			must(t, s.Close())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// impostor answers as PostgreSQL does to a client that asks for TLS, with an unsigned
// certificate.
func impostor(t *testing.T) (port string) {
	t.Helper()
	fake := httptest.NewUnstartedServer(nil)
	fake.StartTLS() // for its certificate
	t.Cleanup(fake.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := io.ReadFull(conn, make([]byte, 8)); err == nil {
				_, _ = conn.Write([]byte("S"))
				_ = tls.Server(conn, fake.TLS).Handshake()
			}
			_ = conn.Close()
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	must(t, err)
	return port
}

// security 41: a server that cannot prove its identity gets no password.
func TestImpostor(t *testing.T) {
	t.Parallel()
	url := "postgres://rekey@127.0.0.1:" + impostor(t) + "/app?sslmode=verify-full"
	_, err := postgres.Open(t.Context(), postgres.Config{URL: url, Password: secret})
	if err == nil || !strings.Contains(err.Error(), "the server is not trusted") || strings.Contains(err.Error(), secret) {
		t.Errorf("error %v", err)
	}
}

// A server that accepts and says nothing is given up.
func TestServerThatSaysNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = postgres.Open(patience, postgres.Config{URL: "postgres://rekey@" + silent.Addr().String() + "/app?sslmode=disable"})
	if patience.Err() != nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("error %v", err)
	}
}
