package bolt

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// owes reports that a notice of the change is still owed.
func (a applied) owes() bool { return a.Debt != nil && !a.Debt.Settled() }

func (a applied) notice(submission string) account.Notice {
	return account.Notice{Submission: submission, Run: a.Run, AccountID: a.AccountID, Changed: a.At, Debt: *a.Debt}
}

// remember writes a submission, and into the index whether it owes something. The index is
// of this release, and a file of an earlier one lacks it.
func remember(tx *bbolt.Tx, submission string, a applied) error {
	if err := put(tx, bucketSubmissions, []byte(submission), a); err != nil {
		return err
	}
	owed, err := tx.CreateBucketIfNotExists(bucketOwed)
	if err != nil {
		return err
	}
	if a.owes() {
		return owed.Put([]byte(submission), nil)
	}
	return owed.Delete([]byte(submission))
}

// dropOwed deletes a submission from the index, which a file of an earlier release lacks.
func dropOwed(tx *bbolt.Tx, submission []byte) error {
	if owed := tx.Bucket(bucketOwed); owed != nil {
		return owed.Delete(submission)
	}
	return nil
}

// submission reads a remembered submission. One from before there were notices here gets that
// of its account. Errors: account.ErrNotFound.
func submission(tx *bbolt.Tx, id string) (a applied, err error) {
	ok, err := get(tx, bucketSubmissions, []byte(id), &a)
	if err == nil && !ok {
		err = account.ErrNotFound
	}
	if err != nil || a.Debt != nil {
		return a, err
	}
	owner, err := read(tx, a.AccountID)
	switch {
	case errors.Is(err, account.ErrNotFound):
		a.Debt = &account.Debt{}
	case err != nil:
		return a, err
	default:
		debt := account.NewDebt(owner, account.Change{}) // there were no other changes then
		a.Debt = &debt
	}
	return a, remember(tx, id, a)
}

// newest is the submission that a run applied last. It reads all submissions; no user waits for
// it. Errors: account.ErrNotFound.
func newest(tx *bbolt.Tx, run string) (id string, err error) {
	var last time.Time
	err = tx.Bucket(bucketSubmissions).ForEach(func(k, v []byte) error {
		var a applied
		if err := decode(v, &a); err != nil {
			return err
		}
		if a.Run == run && (id == "" || a.At.After(last)) {
			id, last = string(k), a.At
		}
		return nil
	})
	if err == nil && id == "" {
		err = account.ErrNotFound
	}
	return id, err
}

// Notice implements [account.Store].
func (s *Store) Notice(ctx context.Context, run, id string) (n account.Notice, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		n, err = noticeOf(tx, run, id)
		return err
	})
	return n, err
}

func noticeOf(tx *bbolt.Tx, run, id string) (account.Notice, error) {
	if id == "" {
		var err error
		if id, err = newest(tx, run); err != nil {
			return account.Notice{}, err
		}
	}
	a, err := submission(tx, id)
	if err == nil && a.Run != run {
		err = account.ErrNotFound
	}
	if err != nil {
		return account.Notice{}, err
	}
	return a.notice(id), nil
}

// Tell implements [account.Store].
func (s *Store) Tell(ctx context.Context, id string, what account.Telling, address string, at time.Time) (n account.Notice, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		a, err := submission(tx, id)
		if err != nil {
			return err
		}
		before := a.notice(id)
		if what == account.TellGivenUp && a.owes() {
			if err := audit(tx, before.GivenUp(at)); err != nil {
				return err
			}
		}
		after := before.After(what, address, at)
		a.Debt = &after
		n = a.notice(id)
		return remember(tx, id, a)
	})
	return n, err
}

// Owed implements [account.Store]. It begins anywhere: submission IDs are hashes.
func (s *Store) Owed(ctx context.Context, before time.Time, most int) (found []account.Notice, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		for _, id := range owing(tx) {
			if len(found) == most {
				break
			}
			var readErr error
			found, readErr = appendOwed(tx, found, id, before)
			err = cmp.Or(err, readErr)
		}
		return err
	})
	return found, err
}

// owing are the submissions of the index in an order by chance. There are few: a notice is
// settled within seconds, or a mail server is down.
func owing(tx *bbolt.Tx) (ids [][]byte) {
	if tx.Bucket(bucketOwed) == nil {
		return nil
	}
	_ = tx.Bucket(bucketOwed).ForEach(func(k, _ []byte) error {
		ids = append(ids, bytes.Clone(k))
		return nil
	})
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids
}

func appendOwed(tx *bbolt.Tx, found []account.Notice, id []byte, before time.Time) ([]account.Notice, error) {
	var a applied
	ok, err := get(tx, bucketSubmissions, id, &a)
	if err != nil || !ok || !a.owes() || !a.At.Before(before) {
		return found, err
	}
	return append(found, a.notice(string(id))), nil
}

// End implements [account.Store]. It reads all tokens.
func (s *Store) End(ctx context.Context, run string, at time.Time) (n account.Notice, err error) {
	applied := false
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		if err := dropRun(tx, run, at); err != nil {
			return err
		}
		id, err := newest(tx, run)
		if errors.Is(err, account.ErrNotFound) {
			return nil // and commit the deletion
		}
		if err != nil {
			return err
		}
		applied = true
		n, err = noticeOf(tx, run, id)
		return err
	})
	if err == nil && !applied {
		err = account.ErrNotFound
	}
	return n, err
}

// dropRun deletes the token records of a run. No submission of it begins afterwards.
func dropRun(tx *bbolt.Tx, run string, at time.Time) error {
	if err := endBegun(tx, run); err != nil {
		return err
	}
	var tokens []account.TokenRecord
	err := tx.Bucket(bucketTokens).ForEach(func(_, v []byte) error {
		var t account.TokenRecord
		err := decode(v, &t)
		if err == nil && t.Run == run {
			tokens = append(tokens, t)
		}
		return err
	})
	if err != nil {
		return err
	}
	noted := map[string]bool{}
	for _, t := range tokens {
		if err := dropToken(tx, t); err != nil {
			return err
		}
		if noted[t.AccountID] {
			continue
		}
		noted[t.AccountID] = true
		if err := audit(tx, account.Entry{At: at, Event: account.EventResetEnded, Run: run, AccountID: t.AccountID}); err != nil {
			return err
		}
	}
	return nil
}
