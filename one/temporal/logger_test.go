package temporal

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"go.temporal.io/server/common/log/tag"
)

func TestLoggerPassesWhatMatters(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	zero := zerolog.New(&out)
	l := newLogger(&zero)
	l.Warn("warning while starting")
	l.Error("error while starting", tag.NewInt("port", 7))
	l.pass(zerolog.WarnLevel)
	l.Info("chatter")
	l.Warn("warning while running")
	l.Error("Queue reader unable to retrieve tasks", tag.NewStringTag("error", "shard status unknown"))
	l.pass(zerolog.Disabled)
	l.Error("error while stopping")
	const want = `{"level":"error","component":"temporal","port":7,"message":"error while starting"}
{"level":"warn","component":"temporal","message":"warning while running"}
`
	if out.String() != want {
		t.Errorf("log = %s", out.String())
	}
}

func TestFatalIsAlwaysSaidAndNeverReturns(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	zero := zerolog.New(&out)
	l := newLogger(&zero)
	l.pass(zerolog.Disabled)
	defer func() {
		if recover() == nil || !strings.Contains(out.String(), "no listener") {
			t.Errorf("log = %q", out.String())
		}
	}()
	l.Fatal("no listener")
}

func TestNoLoggerIsSilent(t *testing.T) {
	t.Parallel()
	newLogger(nil).Error("nobody listens")
}
