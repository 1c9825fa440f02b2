package bolt

import (
	"bytes"
	"encoding/binary"
	"io"
)

// The format of bbolt's pages is the same since its first release. The fields are in the byte
// order of the machine. bbolt.Open has found its version in the file.
//
//	page     id 8, kind 2, count 2, overflow 4 bytes; then count elements; then keys, values
//	branch   where the key is 4, its length 4, page of the child 8
//	leaf     flags 4, where the key is 4, its length 4, length of the value 4
//	bucket   the value of a leaf that has the flag: page of its root 8, sequence 8;
//	         if that page is 0, a page follows here
const (
	headerSize  = 16
	elementSize = 16

	kindBranch = 1
	kindLeaf   = 2
	flagBucket = 1
)

// tree reads a file's pages and follows only references that it has checked. Damage can make
// bbolt's own check fault, which ends the process, or never end.
type tree struct {
	file     io.ReaderAt
	pageSize int
	used     []bool // by page
	free     func(id int) bool
}

// span is where the keys of a page must be: from first on and before end; nil is no bound.
type span struct{ first, end []byte }

// walk checks a page and those below it. Only in the root bucket are there others.
func (t *tree) walk(id uint64, within span, root bool) error {
	page, err := t.read(id)
	if err != nil {
		return err
	}
	if binary.NativeEndian.Uint16(page[8:]) == kindBranch {
		return t.branch(page, within, root)
	}
	return t.leaf(page, within, root)
}

// read returns a page with all that it spans, which nothing may have used before.
func (t *tree) read(id uint64) ([]byte, error) {
	if id < 2 || id >= uint64(len(t.used)) {
		return nil, ErrDamaged
	}
	first := int(id) //nolint:gosec // it is the number of a page
	var header [headerSize]byte
	if _, err := t.file.ReadAt(header[:], int64(first)*int64(t.pageSize)); err != nil {
		return nil, err
	}
	more := int64(binary.NativeEndian.Uint32(header[12:]))
	if binary.NativeEndian.Uint64(header[:]) != id || more >= int64(len(t.used)-first) {
		return nil, ErrDamaged
	}
	end := first + 1 + int(more)
	for i := first; i < end; i++ {
		if t.used[i] || t.free(i) {
			return nil, ErrDamaged
		}
		t.used[i] = true
	}
	page := make([]byte, (end-first)*t.pageSize)
	_, err := t.file.ReadAt(page, int64(first)*int64(t.pageSize))
	return page, err
}

func (t *tree) branch(page []byte, within span, root bool) error {
	elements, err := elementsOf(page, kindBranch)
	if err != nil || len(elements) == 0 {
		return ErrDamaged
	}
	var keys [][]byte
	for i, e := range elements {
		key, _, ok := cut(page, i, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]), 0)
		if !ok {
			return ErrDamaged
		}
		keys = append(keys, key)
	}
	if !inOrder(keys, within) {
		return ErrDamaged
	}
	for i, e := range elements {
		below := span{keys[i], within.end}
		if i+1 < len(keys) {
			below.end = keys[i+1]
		}
		if err := t.walk(binary.NativeEndian.Uint64(e[8:]), below, root); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) leaf(page []byte, within span, root bool) error {
	elements, err := elementsOf(page, kindLeaf)
	if err != nil {
		return err
	}
	var keys [][]byte
	for i, e := range elements {
		flags, at := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:])
		key, value, ok := cut(page, i, at, binary.NativeEndian.Uint32(e[8:]), binary.NativeEndian.Uint32(e[12:]))
		isBucket := flags&flagBucket != 0
		if !ok || isBucket != root {
			return ErrDamaged
		}
		if isBucket {
			if err := t.bucket(value); err != nil {
				return err
			}
		}
		keys = append(keys, key)
	}
	if !inOrder(keys, within) {
		return ErrDamaged
	}
	return nil
}

func (t *tree) bucket(value []byte) error {
	if len(value) < headerSize {
		return ErrDamaged
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return t.walk(root, span{}, false)
	}
	return t.leaf(value[headerSize:], span{}, false)
}

// elementsOf are the elements of a page of a kind.
func elementsOf(page []byte, kind uint16) (elements [][]byte, err error) {
	if len(page) < headerSize || binary.NativeEndian.Uint16(page[8:]) != kind {
		return nil, ErrDamaged
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if headerSize+count*elementSize > len(page) {
		return nil, ErrDamaged
	}
	for i := range count {
		at := headerSize + i*elementSize
		elements = append(elements, page[at:at+elementSize])
	}
	return elements, nil
}

// cut returns the key and the value of the i-th element, which begin so far behind it.
func cut(page []byte, i int, at, key, value uint32) (k, v []byte, ok bool) {
	from := int64(headerSize+i*elementSize) + int64(at)
	middle := from + int64(key)
	end := middle + int64(value)
	if end > int64(len(page)) {
		return nil, nil, false
	}
	return page[from:middle], page[middle:end], true
}

func inOrder(keys [][]byte, within span) bool {
	for i, key := range keys {
		low := within.first == nil || bytes.Compare(within.first, key) <= 0
		high := within.end == nil || bytes.Compare(key, within.end) < 0
		after := i == 0 || bytes.Compare(keys[i-1], key) < 0
		if !low || !high || !after {
			return false
		}
	}
	return true
}
