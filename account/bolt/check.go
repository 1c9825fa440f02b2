package bolt

import (
	"fmt"

	"go.etcd.io/bbolt"
)

// checkPages reads the whole file, so that damage shows at the start of a worker and not in the
// middle of a reset. Pages of bbolt have no sums: a wrong byte in a key or value that leaves
// the order of keys stays unnoticed.
//
// bbolt's own cursors come after it. They follow whatever a page says, also in a circle.
func (s *Store) checkPages(tx *bbolt.Tx) error {
	for _, step := range []func(*bbolt.Tx) error{s.checkSize, checkFree, s.checkTree} {
		if err := step(tx); err != nil {
			return err
		}
	}
	return nil
}

// checkSize finds a file that was cut off. Its missing end could be mapped, but not read.
func (s *Store) checkSize(tx *bbolt.Tx) error {
	info, err := s.file.Stat()
	if err == nil && info.Size() < tx.Size() {
		err = fmt.Errorf("%w (it has %d bytes of %d)", ErrDamaged, info.Size(), tx.Size())
	}
	return err
}

// checkFree finds a list of free pages with a missing page or one named twice. That none is in
// use, checkTree checks.
func checkFree(tx *bbolt.Tx) error {
	free := 0
	for id := 2; id < pagesOf(tx); id++ { // the first two are never free
		if isFree(tx, id) {
			free++
		}
	}
	if stats := tx.DB().Stats(); stats.FreePageN+stats.PendingPageN != free {
		return ErrDamaged
	}
	return nil
}

func (s *Store) checkTree(tx *bbolt.Tx) error {
	t := tree{
		file: s.file, pageSize: tx.DB().Info().PageSize, used: make([]bool, pagesOf(tx)),
		free: func(id int) bool { return isFree(tx, id) },
	}
	if err := t.walk(uint64(tx.Cursor().Bucket().Root()), span{}, true); err != nil {
		return err
	}
	return checkRest(tx, t.used)
}

// checkRest looks at the pages that are neither free nor in the tree: those that hold the
// list of the free ones. Others that nothing uses are lost room and no harm.
func checkRest(tx *bbolt.Tx, used []bool) error {
	for id := 2; id < len(used); id++ {
		if used[id] || isFree(tx, id) {
			continue
		}
		page, err := tx.Page(id)
		if err != nil {
			return err
		}
		if page.Type == "freelist" && id+page.OverflowCount >= len(used) {
			return ErrDamaged
		}
	}
	return nil
}

func pagesOf(tx *bbolt.Tx) int { return int(tx.Size()) / tx.DB().Info().PageSize }

func isFree(tx *bbolt.Tx, id int) bool {
	page, err := tx.Page(id)
	return err != nil || page == nil || page.Type == "free"
}

// checkBuckets checks that the file is rekey's.
func checkBuckets(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return ErrDamaged
	}
	if got := meta.Get(keySchema); string(got) != schema {
		return fmt.Errorf("schema %q, want %q: %w", got, schema, ErrSchema)
	}
	for _, name := range buckets() {
		if tx.Bucket(name) == nil {
			return ErrDamaged
		}
	}
	return nil
}
