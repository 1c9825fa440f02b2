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
//	  <SHA-256(SHA-256(token))>    -> account.TokenRecord as JSON
//	account_tokens                    which tokens an account has
//	  <account ID> NUL <key>       -> ""
//	mails                             which mails and copies count towards the limit
//	  <account ID> NUL <mail>      -> time, RFC 3339
//	submissions                       which submissions were applied
//	  <submission ID>              -> applied as JSON
//	owed                              which of them are owed a notice; made when needed
//	  <submission ID>              -> ""
//	begun                             submissions for a host that were not applied; made when needed
//	  <submission ID>              -> account.Begun as JSON
//	sessions
//	  <SHA-256(session ID)>        -> session as JSON
//	account_sessions                  which sessions an account has
//	  <account ID> NUL <key>       -> ""
//	audit
//	  <sequence, 8 bytes>          -> account.Entry as JSON
package bolt

import (
	"encoding/json"
	"time"

	"go.etcd.io/bbolt"
)

// schema is the version of the bucket tree that this code reads and writes.
const schema = "1"

// The buckets of the tree above.
var (
	bucketMeta            = []byte("meta")
	bucketAccounts        = []byte("accounts")
	bucketAddresses       = []byte("addresses")
	bucketTokens          = []byte("tokens")
	bucketAccountTokens   = []byte("account_tokens")
	bucketMails           = []byte("mails")
	bucketSubmissions     = []byte("submissions")
	bucketOwed            = []byte("owed")
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
	return true, decode(b, value)
}

// decode reads a value that this package wrote. The error of encoding/json is left out,
// because it may quote the value.
func decode(b []byte, value any) error {
	if err := json.Unmarshal(b, value); err != nil {
		return ErrDamaged
	}
	return nil
}

func decodeTime(b []byte) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		err = ErrDamaged // and not the value
	}
	return at, err
}
