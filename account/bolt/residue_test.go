package bolt

import (
	"errors"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// Deletion leaves nothing behind in any index: after a sweep and with all accounts gone, a
// file holds its schema version and the audit log.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	s := lived(t)
	bob, err := s.Account(t.Context(), "bob")
	must(t, err)
	bob.Address = "robert@example.com"
	must(t, s.Put(t.Context(), bob))
	sid, err := s.NewSession(t.Context(), "bob", "old")
	must(t, err)
	must(t, s.EndSession(t.Context(), sid))
	open := 0
	each(t, s, func(bucket string, _, _ []byte) {
		if bucket == "sessions" || bucket == "account_sessions" {
			open++
		}
	})
	if open != 2 { // the other session, in both buckets
		t.Errorf("%d entries of sessions", open)
	}
	must(t, issue(t.Context(), s, account.TokenRecord{Key: account.RecordKey{1}, AccountID: "bob", Mail: "1"}, 9))
	must(t, s.RevokeToken(t.Context(), account.RecordKey{1}, time.Time{}))
	for _, id := range []string{"ann", "bob"} {
		must(t, s.Delete(t.Context(), id))
	}
	_, err = s.Tell(t.Context(), "submission", account.TellDone, "ann@example.com", time.Time{})
	must(t, err)
	_, err = s.Sweep(t.Context(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	must(t, err)
	each(t, s, func(bucket string, k, _ []byte) {
		if bucket != "audit" && bucket != "meta" {
			t.Errorf("%s still has %q", bucket, k)
		}
	})
}

// Forgotten accounts leave nothing behind either, also with an open notice, and in a file that
// is older than the index of notices.
func TestForgottenLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, indexed := range []bool{true, false} {
		s := lived(t)
		if !indexed {
			must(t, s.db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketOwed) }))
		}
		for _, id := range []string{"ann", "bob"} {
			must(t, s.Delete(t.Context(), id))
			_, err := s.Forget(t.Context(), id, account.Entry{})
			must(t, err)
		}
		lines := 0
		each(t, s, func(bucket string, k, _ []byte) {
			switch bucket {
			case "audit":
				lines++
			case "meta":
			default:
				t.Errorf("indexed %v: %s still has %q", indexed, bucket, k)
			}
		})
		if lines != 2 { // the line of EventForgotten
			t.Errorf("indexed %v: %d lines", indexed, lines)
		}
	}
}

// A value that cannot be read is a fault and no answer. The run retries until an operator has
// mended it, and nothing is written meanwhile.
func TestBrokenValues(t *testing.T) {
	t.Parallel()
	link := account.RecordKey([]byte("llllllllllllllllllllllllllllllll"))
	change := account.Change{Record: link, Submission: "another", Run: "run-bob", Hash: "new"}
	for _, broken := range []struct{ bucket, key string }{
		{"accounts", "bob"},
		{"tokens", string(link[:])},
		{"submissions", "another"},
	} {
		s := lived(t)
		must(t, s.db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(broken.bucket)).Put([]byte(broken.key), []byte("{"))
		}))
		_, err := s.ChangePassword(t.Context(), change)
		if err == nil || errors.Is(err, account.ErrRefused) || errors.Is(err, account.ErrTokenUnknown) {
			t.Errorf("broken %s: error %v", broken.bucket, err)
		}
		log, err := s.Audit(t.Context(), "bob")
		must(t, err)
		if len(log) != 1 {
			t.Errorf("broken %s: audit log %v", broken.bucket, log)
		}
	}
}

// Lines of a clock that was years ahead once do not keep the older ones that come after them.
func TestAuditSweepPassesAClockThatWasAhead(t *testing.T) {
	t.Parallel()
	const keep = 400 * 24 * time.Hour
	s := lived(t)
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	must(t, s.db.Update(func(tx *bbolt.Tx) error {
		for range 3 * sweepLook {
			must(t, audit(tx, account.Entry{At: now.AddDate(5, 0, 0), Event: "ahead"}))
		}
		return audit(tx, account.Entry{At: now.Add(-keep - time.Hour), Event: "old"})
	}))
	log, err := s.Entries(t.Context(), account.Filter{})
	must(t, err)
	swept, err := s.SweepAudit(t.Context(), now, keep)
	must(t, err)
	if want := len(log) - 3*sweepLook; swept != want {
		t.Errorf("swept %d, want %d", swept, want)
	}
}

// One notice that cannot be read delays no other notice, and is reported.
func TestBrokenNotice(t *testing.T) {
	t.Parallel()
	s := lived(t)
	all := func() ([]account.Notice, error) {
		return s.Owed(t.Context(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), 100)
	}
	before, err := all()
	must(t, err)
	must(t, s.db.Update(func(tx *bbolt.Tx) error {
		must(t, tx.Bucket(bucketOwed).Put([]byte("zzz"), nil))
		return tx.Bucket(bucketSubmissions).Put([]byte("zzz"), []byte("{"))
	}))
	for range 8 { // in an order by chance
		if found, err := all(); !errors.Is(err, ErrDamaged) || len(found) != len(before) || len(found) == 0 {
			t.Fatalf("%d notices of %d, error %v", len(found), len(before), err)
		}
	}
}

// A sweep that meets a value it cannot read deletes nothing.
func TestBrokenSweep(t *testing.T) {
	t.Parallel()
	for _, bucket := range [][]byte{bucketTokens, bucketSubmissions, bucketMails} {
		s := lived(t)
		must(t, s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Put([]byte("zzz"), []byte("{")) }))
		n, err := s.Sweep(t.Context(), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
		if err == nil || n != 0 {
			t.Errorf("broken %s: %d swept, error %v", bucket, n, err)
		}
		left := 0
		each(t, s, func(name string, _, _ []byte) {
			if name == "tokens" || name == "mails" || name == "submissions" {
				left++
			}
		})
		if left != 5 { // a token, two mails, a submission, and the broken one
			t.Errorf("broken %s: %d left", bucket, left)
		}
	}
}
