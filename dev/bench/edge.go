package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/link"
)

const (
	edgeWorkers  = 8
	edgeRefusals = 40_000
	edgeForgots  = 4_000
)

// duel is something of rekey's and the least that could be in its place.
type duel struct {
	what, against string
	key           string // names the profiles
	n             int    // of each
	do, least     func(context.Context) error
	part          string // whose CPU time counts, if not the starter's
}

// edge measures what a starter can take from strangers. No worker runs: what they start is
// left alone.
func (b *bench) edge(ctx context.Context) (_ []*table, err error) {
	b.say("edge: start Temporal, the starter, and a handler that does nothing")
	s, err := b.newSite(ctx, role{Hashing: cheapest()}, 0, nil, "temporal", "starter", "nothing")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	links, err := s.links()
	if err != nil {
		return nil, err
	}
	forged, err := links.Seal(link.Cancel, someClaims()) // of all links that are none the dearest: ours, for something else
	if err != nil {
		return nil, err
	}
	t := &table{Title: fmt.Sprintf("The edge, %d clients at once", edgeWorkers), Columns: []string{"what", "a second", "against", "that a second", "ratio", "CPU µs", "CPU µs of that"}}
	for _, d := range []duel{
		{
			"forged links refused", "a handler that does nothing", "refusals", edgeRefusals,
			s.refusal(s.URL, forged, http.StatusBadRequest), s.refusal(s.Idle, forged, http.StatusOK), "nothing",
		},
		{"forgot answered", "SignalWithStart", "forgot", edgeForgots, s.somebody, s.bareStart, ""},
	} {
		if err := b.fight(ctx, s, d, t); err != nil {
			return nil, fmt.Errorf("%s: %w", d.what, err)
		}
	}
	opened, err := b.opening(links)
	return []*table{t, opened}, err
}

// fight measures both in turns, after a batch of each that does not count.
func (b *bench) fight(ctx context.Context, s *site, d duel, into *table) error {
	var ours, floor batches
	n := b.batch(d.n)
	measure := func(into *batches, key string, do func(context.Context) error) func() error {
		return func() error {
			_, err := into.run(s, key, n, func() (time.Duration, error) {
				_, took, err := atOnce(ctx, n, edgeWorkers, timed(do))
				return took, err
			})
			return err
		}
	}
	err := b.warmed("edge: "+d.what, []*batches{&ours, &floor}, func(round int) error {
		return inTurn(round, measure(&floor, d.key+"-floor", d.least), measure(&ours, d.key+"-ours", d.do))
	})
	if err != nil {
		return err
	}
	ratio := ours.perSecond() / floor.perSecond()
	into.add(d.what, ours.perSecond(), d.against, floor.perSecond(), ratio, 1000*ours.each("starter", "temporal"), 1000*floor.each(d.part, "temporal"))
	b.least(d.what+" to "+d.against, ratio, 0.9)
	return nil
}

func (s *site) links() (*link.Box, error) {
	aead, err := s.keys().Link()
	if err != nil {
		return nil, err
	}
	return link.New(aead, link.MustParseBaseURL(s.URL), client.DefaultNamespace)
}

func someClaims() link.Claims {
	return link.Claims{
		RunID: "6b1f3a52-7a0e-4c1d-9e53-0d2f4a6b8c01", AccountKey: "0123456789abcdef0123456789abcdef",
		Expires: time.Now().Add(time.Hour), Address: address(0),
	}
}

// refusal submits a password through a link that is none.
func (s *site) refusal(url string, forged link.Token, want int) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.send(ctx, url+"/account/reset_password", map[string]string{"token": forged.Text(), "password": newPassword}, want)
		return err
	}
}

// somebody forgot a password.
func (s *site) somebody(ctx context.Context) error { return s.forgot(ctx, rand.Text()+"@example.com") }

// bareStart is the one call that a request makes, with nothing in it.
func (s *site) bareStart(ctx context.Context) error {
	id := "bare/" + rand.Text()
	_, err := s.direct.SignalWithStartWorkflow(ctx, id, "again", nil, client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"}, "Nothing")
	return err
}

// opening is what a good link costs before any call is made.
func (b *bench) opening(links *link.Box) (*table, error) {
	b.say("edge: open a link")
	sealed, err := links.Seal(link.Reset, someClaims())
	if err != nil {
		return nil, err
	}
	text := sealed.Text()
	result := testing.Benchmark(func(tb *testing.B) { //nolint:thelper // no helper of a test
		tb.ReportAllocs()
		for tb.Loop() {
			if _, _, err = links.Open(link.Reset, text); err != nil {
				tb.Fatal(err)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	t := &table{Title: "A link", Columns: []string{"what", "microseconds", "allocations"}}
	microseconds := float64(result.NsPerOp()) / 1000
	t.add("opened", microseconds, result.AllocsPerOp())
	b.most("a link opened, microseconds", microseconds, 3)
	b.most("a link opened, allocations", float64(result.AllocsPerOp()), 10)
	return t, nil
}
