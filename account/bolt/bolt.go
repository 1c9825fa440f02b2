// Package bolt keeps accounts in one bbolt file, for one worker process: the store that
// needs nothing else to run.
//
// The bucket tree; NUL separates the parts of a key:
//
//	meta
//	  schema                       -> "1"
//	accounts
//	  <account ID>                 -> account.Account as JSON
//	addresses                         which accounts have an address
//	  <address> NUL <account ID>   -> ""
//	tokens
//	  <SHA-256(SHA-256(token))>    -> account.Token as JSON
//	account_tokens                    which tokens an account has
//	  <account ID> NUL <key>       -> ""
//	mails                             which mails count towards the daily limit
//	  <account ID> NUL <mail>      -> time, RFC 3339
//	submissions                       which submissions were applied
//	  <submission ID>              -> applied as JSON
//	sessions
//	  <SHA-256(session ID)>        -> session as JSON
//	account_sessions                  which sessions an account has
//	  <account ID> NUL <key>       -> ""
//	audit
//	  <sequence, 8 bytes>          -> account.Entry as JSON
package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/rekeyhq/rekey/account"
)

// schema is the version of the bucket tree that this code reads and writes.
const schema = "1"

// lockWait is how long Open waits for another process to let go of the file: a worker
// that is being replaced needs a moment.
const lockWait = 2 * time.Second

// ErrLocked means that another process has the file open.
var ErrLocked = errors.New("another process has this bbolt file open, and it takes one at a time: stop that one, or give several workers a store that they can share")

// ErrSchema means that the file was written by another version of rekey.
var ErrSchema = errors.New("the file has another schema version: run the rekey that wrote it, or a newer one")

// The buckets of the tree above.
var (
	bucketMeta            = []byte("meta")
	bucketAccounts        = []byte("accounts")
	bucketAddresses       = []byte("addresses")
	bucketTokens          = []byte("tokens")
	bucketAccountTokens   = []byte("account_tokens")
	bucketMails           = []byte("mails")
	bucketSubmissions     = []byte("submissions")
	bucketSessions        = []byte("sessions")
	bucketAccountSessions = []byte("account_sessions")
	bucketAudit           = []byte("audit")

	keySchema = []byte("schema")
)

func buckets() [][]byte {
	return [][]byte{
		bucketMeta, bucketAccounts, bucketAddresses, bucketTokens, bucketAccountTokens,
		bucketMails, bucketSubmissions, bucketSessions, bucketAccountSessions, bucketAudit,
	}
}

// Store is an [account.Store] in a file, and the little that a host application needs
// besides: to put accounts in and to keep sessions.
type Store struct{ db *bbolt.DB }

var _ account.Store = (*Store)(nil)

// Open opens the file. One that is missing is made, for its owner only. Errors:
// ErrLocked, ErrSchema.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &Store{db}
	if err := db.Update(s.prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return s, nil
}

// prepare makes the buckets of a new file and checks the version of an old one.
func (*Store) prepare(tx *bbolt.Tx) error {
	if meta := tx.Bucket(bucketMeta); meta != nil {
		if got := meta.Get(keySchema); string(got) != schema {
			return fmt.Errorf("schema %q, want %q: %w", got, schema, ErrSchema)
		}
		return nil
	}
	for _, name := range buckets() {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keySchema, []byte(schema))
}

// Close implements [account.Store].
func (s *Store) Close() error { return s.db.Close() }

// update runs a transaction that writes. It is durable when it returns nil.
func (s *Store) update(ctx context.Context, f func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.Update(f)
}

func (s *Store) view(ctx context.Context, f func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.db.View(f)
}

func put(tx *bbolt.Tx, bucket, key []byte, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, b)
}

// get reads a value and reports whether there is one.
func get(tx *bbolt.Tx, bucket, key []byte, value any) (bool, error) {
	b := tx.Bucket(bucket).Get(key)
	if b == nil {
		return false, nil
	}
	return true, json.Unmarshal(b, value)
}
