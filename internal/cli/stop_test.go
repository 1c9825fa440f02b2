package cli

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// A stop during the start is no failure.
func TestStoppedWhileStarting(t *testing.T) { // not parallel: a starter sets the process's number of threads
	t.Cleanup(func() { runtime.GOMAXPROCS(cores) })
	for name, args := range map[string]func(addr string) []string{
		"starter": func(string) []string { return starterArgs(t) },
		"worker":  func(string) []string { return workerArgs(t) },
		"worker's database": func(addr string) []string {
			return onPostgres(t, "postgres://rekey@"+addr+"/app?sslmode=disable")
		},
		"codec": func(addr string) []string {
			return codecArgs(t, "--oidc-issuer=http://"+addr, "--oidc-audience=temporal-ui")
		},
	} {
		server := silent(t)
		t.Setenv("TEMPORAL_ADDRESS", server.Addr().String())
		line := args(server.Addr().String())
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, line, io.Discard, io.Discard) }()
		conn, err := server.Accept()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_ = conn.Close()
	}
}

// silent is a server that takes connections and says nothing.
func silent(t *testing.T) net.Listener {
	t.Helper()
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = server.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

// An interrupted command of an operator fails.
func TestInterruptedCommandsFail(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for name, args := range operators(newKeys(t), erin) {
		if err := run(ctx, args, io.Discard, io.Discard); status(err) != exitFailed {
			t.Errorf("rekey %s: status %d, %v", name, status(err), err)
		}
	}
	if err := run(ctx, []string{"replay", "--keys", newKeys(t)}, io.Discard, io.Discard); status(err) != exitUnchecked {
		t.Errorf("rekey replay: status %d, %v", status(err), err)
	}
}
