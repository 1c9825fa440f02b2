package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/internal/usage"
)

const (
	// lineEvery is how often a long command logs its progress.
	lineEvery = 10 * time.Second
	// drawEvery is how often it draws its progress on a terminal.
	drawEvery = 100 * time.Millisecond
)

// meter shows the progress of a command: as a line that changes on a terminal, and elsewhere as a
// log line now and then. It may be used concurrently.
type meter struct {
	terminal io.Writer // nil when there is none
	log      zerolog.Logger
	every    time.Duration

	mu    sync.Mutex
	done  int64
	total int64
	last  time.Time
}

// meter begins to measure. The total is an estimate.
func (p *process) meter(total int64) *meter {
	m := &meter{log: p.log, every: lineEvery, total: total, last: time.Now()}
	if total > 0 && usage.IsTerminal(p.stderr) {
		m.terminal, m.every = p.stderr, drawEvery
	}
	return m
}

// step counts a finished one.
func (m *meter) step() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
	if time.Since(m.last) < m.every {
		return
	}
	m.last = time.Now()
	if m.terminal == nil {
		m.log.Info().Int64("done", m.done).Int64("of_about", m.total).Msg("replaying")
		return
	}
	// A terminal that is gone is no reason to stop.
	fmt.Fprintf(m.terminal, "\rreplay: %d of about %d", m.done, m.total)
}

// end clears the line of a terminal.
func (m *meter) end() {
	if m.terminal != nil {
		fmt.Fprint(m.terminal, "\r\x1b[K")
	}
}
