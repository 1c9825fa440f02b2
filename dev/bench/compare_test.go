// Package bench measures how fast rekey is. It runs beside the least code on Temporal and
// net/http that could replace it, in the same minutes on the same machine. It has tests only:
//
//	go test -v -timeout 2h ./dev/bench -scale 1
//
// prints the tables of docs/performance.md. The long suite has too few repetitions for figures; it
// tests that all of it works.
package bench

import (
	"context"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/cost"
	"github.com/rekeyhq/rekey/internal/testkit/mariadbtest"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
)

// smoke is the scale of the long suite: every part runs, and no figure means anything.
const smoke = 0.01

var scale = flag.Float64("scale", smoke, "multiplies every number of repetitions")

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(roleEnv); ok {
		fmt.Fprintln(os.Stderr, play(text))
		os.Exit(1)
	}
	os.Exit(site.Main(func() int { return mariadbtest.Run(func() int { return postgrestest.Run(m) }) }))
}

// load is how many resets are made, and how many at once.
type load struct{ atOnce, resets int }

// loads are small, middling and more than two cores can do.
func loads() []load { return []load{{1, 120}, {8, 480}, {32, 2000}} }

const (
	// rounds is in how many batches something is measured, in turn with its floor: other work
	// of the machine then slows both.
	rounds = 4
	// usualShare is by how much fewer resets are measured with the hash of the product.
	usualShare = 4
	warm       = 16 // resets that fill caches and make connections
)

// measures ends a test of the long suite, unless a scale is given.
func measures(t *testing.T) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "scale" })
	if !given {
		suite.Long(t)
	}
}

// batch is how many of n repetitions are in each round.
func batch(n int) int { return max(1, int(math.Ceil(float64(n)**scale/rounds))) }

// TestResets measures whole resets against a bare workflow with as many activities, which do
// nothing, on each database of Temporal. Cheap resets have the least Argon2id there is, so that
// the rest can be seen.
func TestResets(t *testing.T) {
	measures(t)
	var lanes []*lane
	people := 2*warm + 3*rounds
	for _, l := range loads() {
		people += rounds * batch(l.resets) * 2
	}
	databases := []string{"SQLite"}
	t.Run("PostgreSQL", func(t *testing.T) { // where it is missing, the rest goes on
		postgrestest.Require(t)
		databases = append(databases, "PostgreSQL")
	})
	for _, database := range databases {
		l := newLane(t, database, people)
		l.worker(t)
		l.play(t, "floor")
		l.play(t, "starter")
		l.repeat(t, &meter{}, warm, warm, l.floor)
		l.repeat(t, &meter{}, warm, warm, l.reset)
		lanes = append(lanes, l)
	}
	r := newReport()
	for _, load := range loads() {
		floors, resets := make([]meter, len(lanes)), make([]meter, len(lanes))
		for round := range rounds {
			for i, l := range lanes {
				floor := func() { l.repeat(t, &floors[i], batch(load.resets), load.atOnce, l.floor) }
				reset := func() { l.repeat(t, &resets[i], batch(load.resets), load.atOnce, l.reset) }
				inTurn(round, floor, reset)
			}
		}
		for i, l := range lanes {
			r.resets(l.database, "cheapest", load.atOnce, &floors[i], &resets[i])
		}
	}
	for _, l := range lanes {
		l.stop(t, "starter")
		l.starter(t)
		l.repeat(t, &meter{}, warm, warm, l.reset)
		for _, load := range loads() {
			resets := meter{}
			l.repeat(t, &resets, max(1, batch(load.resets)*rounds/usualShare), load.atOnce, l.reset)
			r.resets(l.database, "usual", load.atOnce, &meter{}, &resets)
		}
		r.memory.add(l.database, l.peak(t, "temporal"), l.peak(t, "worker"), l.peak(t, "starter"))
		l.costs(t, r)
	}
	r.print(t)
}

// costs counts the history of the first account's reset, and of a run of the floor.
func (l *lane) costs(t *testing.T, r *report) {
	t.Helper()
	for _, run := range [][2]string{{"floor", floorID(0)}, {"reset", l.WorkflowID(t, account.Account{Address: address(0)})}} {
		c, err := cost.Of(l.history(t, run[1]))
		if err != nil {
			t.Fatal(err)
		}
		r.costs.add(l.database, run[0], c.Actions, c.Events, c.Tasks, c.Bytes)
	}
}

const (
	strangers = 8 // clients at once
	refusals  = 40_000
	forgots   = 4_000
)

// TestStrangers measures a starter's capacity for requests from the internet. No worker runs:
// started runs wait.
func TestStrangers(t *testing.T) {
	measures(t)
	l := newLane(t, "SQLite", 0)
	l.starter(t)
	l.play(t, "nothing")
	t.Logf("%d clients at once", strangers)
	r := newReport()
	forged := l.forged(t)
	for _, d := range []struct {
		what, against string
		part          string // CPU of it counts for the floor, beside Temporal's
		n             int
		do, floor     step
	}{
		{
			"forged links refused", "a handler that does nothing", "nothing", refusals,
			l.refused(l.URL, forged, http.StatusBadRequest), l.refused(l.idle, forged, http.StatusOK),
		},
		{"forgot answered", "SignalWithStart", "", forgots, l.stranger, l.bareStart},
	} {
		got, floor := l.compare(t, d.n, d.do, d.floor)
		ratio := got.perSecond() / floor.perSecond()
		r.edge.add(d.what, got.perSecond(), d.against, floor.perSecond(), ratio, 1000*got.cpu("starter", "temporal"), 1000*floor.cpu(d.part, "temporal"))
		r.least(d.what+" to "+d.against, ratio, 0.9)
	}
	r.print(t)
}

// compare measures something in turn with its floor, for many clients at once. A round before has
// warmed caches and made connections.
func (l *lane) compare(t *testing.T, n int, do, least step) (got, floor meter) {
	t.Helper()
	for round := range rounds + 1 {
		if round == 1 {
			got, floor = meter{}, meter{}
		}
		inTurn(
			round,
			func() { l.repeat(t, &floor, batch(n), strangers, least) },
			func() { l.repeat(t, &got, batch(n), strangers, do) },
		)
	}
	return got, floor
}

// mails is how many mails with a link are requested.
const mails = 1_600

// TestMails measures requests with their mails. Each is a run, and waits for its link.
func TestMails(t *testing.T) {
	measures(t)
	l := newLane(t, "SQLite", (rounds+1)*batch(mails))
	l.worker(t)
	l.starter(t)
	l.play(t, "floor")
	r := newReport()
	got, floor := l.compare(t, mails, l.requested, l.oneStep)
	r.edge.add(
		"mails requested and delivered", got.perSecond(), "runs with one activity", floor.perSecond(), got.perSecond()/floor.perSecond(),
		1000*got.cpu("starter", "worker", "temporal"), 1000*floor.cpu("floor", "temporal"),
	)
	r.print(t)
}

// forged is the dearest link that is none: one of rekey's, for something else.
func (l *lane) forged(t *testing.T) string {
	t.Helper()
	aead, err := keys.Open(l.Keys()).Link()
	if err != nil {
		t.Fatal(err)
	}
	box, err := link.New(aead, link.MustParseBaseURL(l.URL), "default")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := box.Seal(link.Cancel, link.Claims{
		RunID: "6b1f3a52-7a0e-4c1d-9e53-0d2f4a6b8c01", AccountKey: "0123456789abcdef0123456789abcdef", Expires: tomorrow(), Address: address(0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return sealed.Text()
}

func (l *lane) refused(url, token string, want int) step {
	return func(ctx context.Context) (log, error) {
		_, err := l.send(ctx, url+"/account/reset_password", map[string]string{"token": token, "password": newPassword}, want)
		return nil, err
	}
}

// openSizes are how many resets wait for their links to be used.
func openSizes() []int { return []int{1_000, 10_000, 50_000} }

const openSamples = 200

// TestOpenRuns measures memory and answers while many resets are open. At -scale 1 it takes an
// hour.
func TestOpenRuns(t *testing.T) {
	measures(t)
	sizes := openSizes()
	l := newLane(t, "SQLite", warm+batch(sizes[len(sizes)-1])*rounds+len(sizes)*rounds*batch(openSamples))
	l.Env = append(l.Env, "REKEY_LINK_LIFE=24h")
	l.worker(t)
	l.starter(t)
	l.repeat(t, &meter{}, warm, warm, l.reset)
	r, opened := newReport(), 0
	for _, size := range sizes {
		size = rounds * batch(size)
		l.repeat(t, &meter{}, size-opened, 32, func(ctx context.Context) (log, error) {
			_, _, _, err := l.link(ctx)
			return nil, err
		})
		opened = size
		var seen meter
		l.repeat(t, &seen, rounds*batch(openSamples), 1, l.reset)
		forgot, submit := seen.spread(forgotAnswer), seen.spread(submitAnswer)
		r.open.add(size, l.peak(t, "worker"), l.peak(t, "starter"), l.peak(t, "temporal"), forgot.p50, forgot.p99, submit.p50, submit.p99)
	}
	r.print(t)
}
