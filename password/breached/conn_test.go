package breached

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// trusting makes a corpus take the certificate of a test server.
func trusting(c *Corpus, s *server) *Corpus {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return c
}

func serveTLS(t *testing.T, h http.HandlerFunc) *server {
	t.Helper()
	s := unstarted(t, h)
	s.EnableHTTP2 = true
	s.StartTLS()
	return s
}

// The server proves its identity before it learns a prefix.
func TestCertificateIsVerified(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, honest)
	err := corpus(t, s.URL).Check(t.Context(), known)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || len(s.asked()) > 0 {
		t.Errorf("%v, asked %v", err, s.asked())
	}
	toldNothing(t, err.Error())
	if err := trusting(corpus(t, s.URL), s).Check(t.Context(), known); !refused(err) {
		t.Error(err)
	}
}

// One connection serves many checks, whatever they find; with TLS it speaks HTTP/2.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	protocols := make(chan int, 20)
	h := func(w http.ResponseWriter, r *http.Request) {
		protocols <- r.ProtoMajor
		honest(w, r)
	}
	plain, secure := serve(t, h), serveTLS(t, h)
	for s, want := range map[*server]int{plain: 1, secure: 2} {
		c := corpus(t, s.URL)
		if s == secure {
			trusting(c, s)
		}
		for range 5 {
			for _, pw := range []string{known, unknown} {
				if err := c.Check(t.Context(), pw); refused(err) != (pw == known) {
					t.Fatal(err)
				}
				if got := <-protocols; got != want {
					t.Errorf("HTTP/%d, want %d", got, want)
				}
			}
		}
		if got := s.connections(); got != 1 {
			t.Errorf("HTTP/%d: %d connections", want, got)
		}
	}
}

// wire carries bytes to a server. Once cut it carries nothing on the connections that it has,
// and reports no error.
type wire struct {
	net.Listener
	to     string
	mu     sync.Mutex
	severs []*atomic.Bool
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, severed := range w.severs {
		severed.Store(true)
	}
}

func (w *wire) carry() {
	for {
		client, err := w.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.to)
		if err != nil {
			client.Close()
			return
		}
		severed := new(atomic.Bool)
		w.mu.Lock()
		w.severs = append(w.severs, severed)
		w.mu.Unlock()
		go pass(server, client, severed)
		go pass(client, server, severed)
	}
}

func pass(to, from net.Conn, severed *atomic.Bool) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if !severed.Load() {
			_, _ = to.Write(buf[:n])
		}
	}
}

// A connection that died without a word is given up after two timeouts, rather than after
// the quarter of an hour that TCP takes.
func TestDeadConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	s := serveTLS(t, honest)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	w := &wire{Listener: listener, to: s.Listener.Addr().String()}
	go w.carry()
	c := trusting(corpus(t, "https://"+listener.Addr().String(), func(cfg *Config) { cfg.Timeout = 3 * time.Second }), s)
	if err := c.Check(t.Context(), known); !refused(err) {
		t.Fatal(err)
	}
	w.cut()
	if err := c.Check(t.Context(), known); !errors.Is(err, ErrUnchecked) {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !refused(c.Check(t.Context(), known)); {
		if time.Now().After(deadline) {
			t.Fatal("the dead connection is still asked")
		}
	}
}
