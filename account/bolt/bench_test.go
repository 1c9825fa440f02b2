package bolt_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

const people = 100_000

// crowd is a store with many accounts.
func crowd(b *testing.B) *bolt.Store {
	b.Helper()
	s := open(b)
	fill(b, s)
	return s
}

func fill(b *testing.B, s *bolt.Store) {
	b.Helper()
	all := make([]account.Account, people)
	for i := range all {
		all[i] = person(i)
	}
	must(b, s.PutMany(b.Context(), all))
}

func person(i int) account.Account {
	i %= people
	return account.Account{
		ID: fmt.Sprintf("%06d", i), Address: fmt.Sprintf("person-%d@example.com", i),
		Credential: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
		Resettable: true,
	}
}

// BenchmarkFind is one look-up among 100,000 accounts.
func BenchmarkFind(b *testing.B) {
	s, i := crowd(b), 0
	b.ReportAllocs()
	for b.Loop() {
		found, err := s.Find(b.Context(), person(i*7919).Address)
		if err != nil || len(found) != 1 {
			b.Fatal(found, err)
		}
		i++
	}
}

// BenchmarkChangePassword is one durable change among 100,000 accounts; most of it is
// waiting for the disk.
func BenchmarkChangePassword(b *testing.B) {
	s, i := crowd(b), 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		i++
		a, err := s.Account(b.Context(), person(i*7919).ID)
		must(b, err)
		t := tokenOf(a, 0)
		binary.BigEndian.PutUint64(t.Key[8:], uint64(i))
		t.Mail = strconv.Itoa(i)
		must(b, issue(b.Context(), s, t, people))
		c := changeBy(t)
		c.Submission = t.Mail
		b.StartTimer()
		if _, err := s.ChangePassword(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdate and BenchmarkBatch are one key, durably, by bbolt alone: the least that a change
// of a password could take. Batch writes for several callers at once.
func BenchmarkUpdate(b *testing.B) { benchmarkBare(b, (*bbolt.DB).Update) }

func BenchmarkBatch(b *testing.B) { benchmarkBare(b, (*bbolt.DB).Batch) }

func benchmarkBare(b *testing.B, write func(*bbolt.DB, func(*bbolt.Tx) error) error) {
	b.Helper()
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
	must(b, err)
	b.Cleanup(func() { must(b, db.Close()) })
	var keys atomic.Uint64
	for _, each := range []int{1, 4, 16} { // callers for each core
		b.Run(strconv.Itoa(each*runtime.GOMAXPROCS(0)), func(b *testing.B) {
			b.SetParallelism(each)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := write(db, func(tx *bbolt.Tx) error {
						bucket, err := tx.CreateBucketIfNotExists([]byte("bare"))
						if err != nil {
							return err
						}
						key := binary.BigEndian.AppendUint64(nil, keys.Add(1))
						return bucket.Put(key, key)
					}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkOpen measures the check of the whole file at the start.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "accounts.db")
	s, err := bolt.Open(path)
	must(b, err)
	fill(b, s)
	must(b, s.Close())
	for b.Loop() {
		s, err := bolt.OpenExisting(path)
		must(b, err)
		must(b, s.Close())
	}
}
