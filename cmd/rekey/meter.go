package main

import (
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/schollz/progressbar/v3"

	"github.com/rekeyhq/rekey/internal/usage"
)

// lineEvery is how often a command that takes long says so in its log.
const lineEvery = 10 * time.Second

// meter shows how far a command is: as a bar on a terminal, and elsewhere, where a bar
// would fill the log, as a line now and then. It may be used concurrently.
type meter struct {
	bar   *progressbar.ProgressBar // nil when there is no terminal
	log   zerolog.Logger
	every time.Duration

	mu    sync.Mutex
	done  int64
	total int64
	last  time.Time
}

// meter begins to measure. The total is an estimate.
func (p *process) meter(total int64) *meter {
	m := &meter{log: p.log, every: lineEvery, total: total, last: time.Now()}
	if total > 0 && usage.IsTerminal(p.stderr) {
		m.bar = newBar(p.stderr, total)
	}
	return m
}

func newBar(w io.Writer, total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(
		total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("replay"),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
	)
}

// step counts one that is done.
func (m *meter) step() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
	switch {
	case m.bar != nil:
		// Some began since they were counted; and a terminal that is gone is no reason to stop.
		_ = m.bar.Set64(min(m.done, m.total))
	case time.Since(m.last) >= m.every:
		m.last = time.Now()
		m.log.Info().Int64("done", m.done).Int64("of_about", m.total).Msg("replaying")
	}
}

// end takes the bar away.
func (m *meter) end() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
