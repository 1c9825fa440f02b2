package temporal

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/rs/zerolog"
	"go.temporal.io/server/common/log/tag"
)

// silent is for the one client that Start itself uses.
var silent = slog.New(slog.DiscardHandler)

// transient are log lines of a healthy server while it takes its shards and its parts find each
// other, most of all after a kill. It retries by itself. The server's own test of a start
// ignores the same lines (temporal/server_test.go, v1.32.1). A lasting cause is in other lines
// too.
var transient = []string{
	"Fail to process task",
	"Failed to check Nexus endpoints ownership",
	"Queue reader unable to retrieve tasks",
	"error fetching user data from parent",
	"error from matching when initializing Nexus endpoint cache",
	"long poll to refresh Nexus endpoints returned error",
}

// logger passes the server's warnings and errors on to a zerolog.Logger. Messages below that
// are about the server's own parts.
type logger struct {
	zero zerolog.Logger
	from *atomic.Int32 // the lowest zerolog.Level that is passed on now
}

// newLogger is for a server that is starting: it warns each time about parts
// that are off on purpose, so only errors count.
func newLogger(to *zerolog.Logger) logger {
	if to == nil {
		return logger{zerolog.Nop(), new(atomic.Int32)}
	}
	l := logger{to.With().Str("component", "temporal").Logger(), new(atomic.Int32)}
	l.pass(zerolog.ErrorLevel)
	return l
}

// pass sets the lowest level that is passed on from now on.
func (l logger) pass(from zerolog.Level) { l.from.Store(int32(from)) }

// Debug and the others implement the server's log.Logger.
func (l logger) Debug(string, ...tag.Tag) {}

func (l logger) Info(string, ...tag.Tag) {}

func (l logger) Warn(msg string, tags ...tag.Tag) { l.write(zerolog.WarnLevel, msg, tags) }

func (l logger) Error(msg string, tags ...tag.Tag) { l.write(zerolog.ErrorLevel, msg, tags) }

func (l logger) DPanic(msg string, tags ...tag.Tag) { l.write(zerolog.ErrorLevel, msg, tags) }

// Panic and Fatal are said only where the server cannot go on, and it relies on
// them not to return. They are never silenced.
func (l logger) Panic(msg string, tags ...tag.Tag) { l.Fatal(msg, tags...) }

func (l logger) Fatal(msg string, tags ...tag.Tag) {
	l.pass(zerolog.ErrorLevel)
	l.write(zerolog.ErrorLevel, msg, tags)
	panic("temporal server: " + msg)
}

func (l logger) write(level zerolog.Level, msg string, tags []tag.Tag) {
	if level < zerolog.Level(l.from.Load()) || slices.Contains(transient, msg) { //nolint:gosec // holds a zerolog.Level
		return
	}
	e := l.zero.WithLevel(level)
	for _, t := range tags {
		e = e.Interface(t.Key(), t.Value())
	}
	e.Msg(msg)
}
