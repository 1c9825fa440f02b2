package bolt_test

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

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
