//go:build unix

package notify_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/notify"
)

// systemd is the other side of the socket of a service.
func systemd(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func told(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	text := make([]byte, 100)
	n, err := conn.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func TestSend(t *testing.T) {
	conn := systemd(t)
	if err := notify.Send(notify.Ready); err != nil {
		t.Fatal(err)
	}
	if got := told(t, conn); got != "READY=1" {
		t.Errorf("systemd is told %q", got)
	}
	conn.Close()
	if err := notify.Send(notify.Ready); err == nil {
		t.Error("nobody listens, and that is no error")
	}
	t.Setenv("NOTIFY_SOCKET", "")
	if err := notify.Send(notify.Ready); err != nil {
		t.Errorf("without systemd: %v", err)
	}
}

// A process is alive only while it says that it is.
func TestWatch(t *testing.T) {
	conn := systemd(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	ctx, stop := context.WithCancel(t.Context())
	asked, ended := 0, make(chan int)
	go func() {
		notify.Watch(ctx, func(context.Context) error {
			if asked++; asked < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		ended <- asked
	}()
	if got := told(t, conn); got != "WATCHDOG=1" {
		t.Errorf("systemd is told %q", got)
	}
	stop()
	if asked := <-ended; asked < 3 {
		t.Errorf("told after %d questions, want none before the third", asked)
	}
}

// Nobody watches a process without the variable.
func TestWatchOfNobody(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	notify.Watch(t.Context(), func(context.Context) error { t.Error("it was asked"); return nil })
}
