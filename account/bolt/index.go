package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"
)

// An index bucket holds pairs: owner NUL member. Owners hold no NUL, see write.

func pair(owner string, member []byte) []byte {
	key := make([]byte, 0, len(owner)+1+len(member))
	key = append(key, owner...)
	key = append(key, 0)
	return append(key, member...)
}

// members are the second halves of an owner's pairs, copied.
func members(tx *bbolt.Tx, bucket []byte, owner string) [][]byte {
	var found [][]byte
	prefix := pair(owner, nil)
	c := tx.Bucket(bucket).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		found = append(found, bytes.Clone(k[len(prefix):]))
	}
	return found
}

// dropAll deletes an owner's pairs and their members in another bucket.
func dropAll(tx *bbolt.Tx, index, bucket []byte, owner string) error {
	for _, member := range members(tx, index, owner) {
		if err := tx.Bucket(bucket).Delete(member); err != nil {
			return err
		}
		if err := tx.Bucket(index).Delete(pair(owner, member)); err != nil {
			return err
		}
	}
	return nil
}
