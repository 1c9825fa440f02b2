package one

import (
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/site"
)

// A stop finishes the request in progress, and then stops the parts from the top down. The open
// reset goes on at the next start. Systemd is told when the process is ready, and when it stops.
func TestStop(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	socket := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	if err := systemd.SetDeadline(time.Now().Add(s.Patience)); err != nil {
		t.Fatal(err)
	}
	told := func(want string) {
		t.Helper()
		text := make([]byte, 100)
		n, err := systemd.Read(text)
		if got := string(text[:n]); got != want || err != nil {
			t.Fatalf("systemd is told %q, %v", got, err)
		}
	}
	p := s.StartOne(t, "NOTIFY_SOCKET="+socket)
	told("READY=1")
	erin, frank := s.People[0], s.People[1]
	s.Forgot(t, erin)
	token := s.Token(t, erin, 1)
	finish := s.BeginForgot(t, `{"email":"`+frank.Address+`"}`)
	p.Signal(t, syscall.SIGTERM)
	told("STOPPING=1")
	if status := finish(); status != http.StatusOK {
		t.Errorf("the request in progress: status %d", status)
	}
	if code := p.Exit(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if got := ends(t, p); !slices.Equal(got, []string{"starter", "worker", "Temporal server"}) {
		t.Errorf("stopped in the order %q", got)
	}
	p = s.StartOne(t)
	p.Await(t, p.Err, `"runs":2`)
	s.Insist(t, token, newPassword)
	s.Mails(t, erin, 2)
	s.Token(t, frank, 1)
	stop(t, p)
	if !changed(t, s, erin) {
		t.Error("the password was not changed")
	}
}
