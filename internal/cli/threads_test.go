package cli

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
)

// The hashing of passwords leaves threads to other work, as many as there are cores. The Temporal
// server here accepts the connection, after which that must hold, and answers nothing.
func TestHashesLeaveRoom(t *testing.T) { // not parallel: the number is the process's
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	t.Setenv("TEMPORAL_ADDRESS", server.Addr().String())
	t.Setenv("GOMAXPROCS", "") // an operator's setting has the last word
	t.Cleanup(func() { runtime.GOMAXPROCS(cores) })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, starterArgs(t, "--hashes", "5"), io.Discard, io.Discard)
		_ = server.Close() // no client comes any more
	}()
	conn, err := server.Accept()
	if err != nil {
		t.Fatal(err, <-ended)
	}
	defer conn.Close()
	if got := runtime.GOMAXPROCS(0); got != cores+5 {
		t.Errorf("%d threads, want %d", got, cores+5)
	}
	stop()
	<-ended
}
