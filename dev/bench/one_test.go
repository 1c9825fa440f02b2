package bench

import (
	"math"
	"net/http"
	"os"
	"strconv"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

// TestOne measures resets on one machine with `rekey one`, in turns with the development program on
// a folder. Both sync each commit to a file, and hash as the product does.
func TestOne(t *testing.T) {
	measures(t)
	people := 2 * warm
	for _, load := range loads() {
		people += rounds * batch(load.resets/usualShare)
	}
	one, whole := newMachine(t, site.One(t), people), newMachine(t, site.Bare(t), people)
	one.parts["all"] = one.StartOne(t, "REKEY_LOG_LEVEL=info")
	if err := os.RemoveAll(whole.Keys()); err != nil { // it makes its own, for development
		t.Fatal(err)
	}
	whole.play(t, "whole")
	lanes := []*lane{one, whole}
	for _, l := range lanes {
		l.repeat(t, &meter{}, warm, warm, l.reset)
	}
	speed := newTable("at once", "resets", "rekey one: resets/s", "CPU ms", "submit p50 ms", "p99", "go run ./dev --data: resets/s", "CPU ms", "submit p50 ms", "p99", "ratio of resets/s")
	for _, load := range loads() {
		var got [2]meter
		n := batch(load.resets / usualShare)
		for round := range rounds {
			inTurn(
				round,
				func() { one.repeat(t, &got[0], n, load.atOnce, one.reset) },
				func() { whole.repeat(t, &got[1], n, load.atOnce, whole.reset) },
			)
		}
		row := []any{load.atOnce, got[0].n}
		for i, part := range []string{"all", "whole"} {
			submit := got[i].spread(submitAnswer)
			row = append(row, got[i].perSecond(), got[i].cpu(part), submit.p50, submit.p99)
		}
		speed.add(append(row, got[0].perSecond()/got[1].perSecond())...)
	}
	memory := newTable("most memory, MiB", "rekey one", "go run ./dev --data")
	memory.add("", one.peak(t, "all"), whole.peak(t, "whole"))
	t.Log(speed, memory)
}

// newMachine makes a site with so many accounts, where one process is to run everything.
func newMachine(t *testing.T, s *site.Site, people int) *lane {
	t.Helper()
	l := &lane{
		Site: s, database: "SQLite", people: people,
		parts: map[string]*process.Process{}, http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
	l.Mail.Keep(math.MaxInt)
	l.Env = append(l.Env, "REKEY_CLIENT_LIMIT="+strconv.Itoa(limit), "REKEY_START_LIMIT="+strconv.Itoa(limit))
	l.fill(t)
	return l
}
