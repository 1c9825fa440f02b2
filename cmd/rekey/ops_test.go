package main

import (
	"net"
	"testing"
)

func TestOpsListenerThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, args := range [][]string{starterArgs(t), workerArgs(t)} {
		refused(t, append(args, "--ops-listen", taken.Addr().String()), "--ops-listen ($REKEY_OPS_LISTEN)", "address already in use")
	}
}

func TestTracesToNowhere(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	for _, args := range [][]string{starterArgs(t), workerArgs(t)} {
		refused(t, args, "OTEL_TRACES_EXPORTER: want otlp or none")
	}
}
