package backup_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/backup"
)

// stuck sends so many bytes, and then nothing until it is closed.
type stuck struct {
	net.Conn
	left    int
	reached chan<- struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	if len(b) <= s.left {
		s.left -= len(b)
		return s.Conn.Write(b)
	}
	n, err := s.Conn.Write(b[:s.left])
	if err != nil {
		return n, err
	}
	s.left = 0
	s.reached <- struct{}{}
	_, err = s.Read(make([]byte, 1)) // until the other side is gone
	return n, err
}

type stalls struct {
	net.Listener
	bytes   int
	reached chan<- struct{}
}

func (s stalls) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	return &stuck{conn, s.bytes, s.reached}, err
}

// A command that is killed in the middle of a backup leaves a folder that says so, and no other.
func TestCommandIsKilled(t *testing.T) {
	t.Parallel()
	const from, to = "REKEY_BACKUP_FROM", "REKEY_BACKUP_TO"
	if os.Getenv(from) != "" {
		_, err := backup.Take(t.Context(), os.Getenv(from), os.Getenv(to), func(string) {})
		t.Fatal(err)
	}
	dir, parent := data(t), t.TempDir()
	listener, err := backup.Listen(dir)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	reached, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- backup.Serve(ctx, stalls{listener, 30_000, reached}, source(dir, written("temporal.db", strings.Repeat("x", 100_000))))
	}()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCommandIsKilled$")
	child.Env = append(os.Environ(), from+"="+dir, to+"="+filepath.Join(parent, "copy"))
	must(t, child.Start())
	<-reached
	must(t, child.Process.Kill())
	_ = child.Wait()
	for _, name := range names(t, parent) {
		if !strings.HasPrefix(name, "copy.unfinished-") || strings.Contains(name, backup.ManifestName) {
			t.Errorf("it leaves %q", name)
		}
	}
	stop()
	must(t, <-ended)
	serve(t, source(dir, written("temporal.db", "all"))) // and the next one is whole
	_, err = take(t, dir, filepath.Join(parent, "copy"))
	must(t, err)
}
