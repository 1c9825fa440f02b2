package topology

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/postgrestest"
	"github.com/rekeyhq/rekey/starter"
)

// BenchmarkReset is a whole reset, from the request to the notice, with everything in one
// process and the least Argon2id: what Temporal's database makes of it. Both databases sync
// each commit. They take turns, a batch each, so that whatever else the machine does meets
// both.
func BenchmarkReset(b *testing.B) {
	const batch = 32
	cluster := postgrestest.Start(b, "fsync=on", "full_page_writes=on")
	sqlite, postgres := startStack(b, ""), startStack(b, cluster.URL("temporal"))
	for _, atOnce := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("at-once=%d", atOnce), func(b *testing.B) {
			var onSQLite, onPostgres time.Duration
			for b.Loop() {
				onSQLite += resets(b, sqlite, batch, atOnce)
				onPostgres += resets(b, postgres, batch, atOnce)
			}
			b.ReportMetric(float64(b.N*batch)/onSQLite.Seconds(), "sqlite-resets/s")
			b.ReportMetric(float64(b.N*batch)/onPostgres.Seconds(), "postgres-resets/s")
			b.ReportMetric(onSQLite.Seconds()/onPostgres.Seconds(), "postgres/sqlite")
		})
	}
}

func startStack(b *testing.B, database string) *stack.Stack {
	b.Helper()
	cfg := stack.Throwaway(b.TempDir())
	cfg.Memory, cfg.TemporalDB = false, database
	s, err := stack.Start(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Stop(); err != nil {
			b.Error(err)
		}
	})
	return s
}

var measured atomic.Int64

// resets is how long so many resets take.
func resets(b *testing.B, s *stack.Stack, n, atOnce int) time.Duration {
	b.Helper()
	var people []account.Account
	for range n {
		people = append(people, site.Person(fmt.Sprintf("measured-%d", measured.Add(1))))
	}
	if err := s.Store.PutMany(b.Context(), people); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	all, ctx := errgroup.WithContext(b.Context())
	all.SetLimit(atOnce)
	for _, p := range people {
		all.Go(func() error { return resetOnce(ctx, s, p) })
	}
	if err := all.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func resetOnce(ctx context.Context, s *stack.Stack, p account.Account) error {
	if err := s.Starter.Request(ctx, p.Address); err != nil {
		return err
	}
	mails, err := s.Mail.Wait(ctx, p.Address, 1)
	if err != nil {
		return err
	}
	token := site.ResetLink.FindStringSubmatch(mails[0].Text)[1]
	if err := s.Starter.Submit(ctx, token, newPassword); err != nil && !errors.Is(err, starter.ErrPending) {
		return err
	}
	_, err = s.Mail.Wait(ctx, p.Address, 2)
	return err
}
