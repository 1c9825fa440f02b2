package cli

import (
	"bytes"
	"testing"

	"github.com/rs/zerolog"
)

func TestMeterInALog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := (&process{log: zerolog.New(&out), stderr: &out}).meter(3)
	m.step()
	if m.terminal != nil || out.Len() > 0 {
		t.Errorf("at once: %q", out.String())
	}
	m.every = 0
	m.step()
	m.end()
	if want := `{"level":"info","done":2,"of_about":3,"message":"replaying"}` + "\n"; out.String() != want {
		t.Errorf("later: %q, want %q", out.String(), want)
	}
}

func TestMeterOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := &meter{log: zerolog.New(&out), total: 2, terminal: &out}
	for range 3 { // one more than was counted
		m.step()
	}
	m.end()
	if want := "\rreplay: 1 of about 2\rreplay: 2 of about 2\rreplay: 3 of about 2\r\x1b[K"; out.String() != want {
		t.Errorf("line: %q, want %q", out.String(), want)
	}
}
