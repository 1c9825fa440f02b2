package main

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
)

// Passwords that are hashed leave the others threads, as many as there are cores.
// The Temporal server here takes the connection, by when that must be so, and says nothing.
func TestHashesLeaveRoom(t *testing.T) { // not parallel: the number is the process's
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	t.Setenv("TEMPORAL_ADDRESS", server.Addr().String())
	t.Setenv("GOMAXPROCS", "") // what an operator sets has the last word
	t.Cleanup(func() { runtime.GOMAXPROCS(cores) })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, starterArgs(t, "--hashes", "5"), io.Discard, io.Discard)
		_ = server.Close() // nobody will come any more
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
