package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestMeterInALog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := (&process{log: zerolog.New(&out), stderr: &out}).meter(3)
	m.step()
	if m.bar != nil || out.Len() > 0 {
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
	m := &meter{log: zerolog.New(&out), total: 2, bar: newBar(&out, 2)}
	for range 3 { // one more than was counted
		m.step()
	}
	if !strings.Contains(out.String(), "replay") || strings.Contains(out.String(), "\n") || strings.Contains(out.String(), "{") {
		t.Errorf("bar: %q", out.String())
	}
	m.end()
}
