package cli

import (
	"bytes"
	"os"
	"testing"

	"github.com/rekeyhq/rekey/internal/usage"
)

func TestIsTerminal(t *testing.T) {
	t.Parallel()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if !usage.IsTerminal(terminal) {
		t.Error("a terminal is none")
	}
	if m := (&process{stderr: terminal}).meter(1); m.terminal == nil {
		t.Error("no line on a terminal")
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if usage.IsTerminal(file) || usage.IsTerminal(&bytes.Buffer{}) {
		t.Error("what is no terminal is one")
	}
}
