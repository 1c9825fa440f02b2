package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// pageSize is that of bbolt on this machine.
var pageSize = os.Getpagesize()

// lived is a file whose store has been used for a while: it has branch pages and free ones.
func lived(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accounts.db")
	s, err := bolt.Open(path)
	must(t, err)
	var many []account.Account
	for n := range 2000 {
		a := ann()
		a.ID, a.Address = fmt.Sprintf("a%d", n), fmt.Sprintf("a%d@example.com", n)
		many = append(many, a)
	}
	must(t, s.PutMany(t.Context(), append(many, ann())))
	for n := range 20 {
		token := tokenOf(many[n], byte(n))
		must(t, issue(t.Context(), s, token, 1))
	}
	for _, a := range many[100:900] {
		must(t, s.Delete(t.Context(), a.ID))
		if a.ID == "a160" {
			break
		}
	}
	must(t, s.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

// use acts as a worker. It returns errors and the data that it read.
func use(t *testing.T, s *bolt.Store) (read string, err error) {
	t.Helper()
	var all []string
	var errs []error
	for _, n := range []int{0, 99, 1000, 1999} {
		found, err := s.Find(t.Context(), fmt.Sprintf("a%d@example.com", n))
		all, errs = append(all, fmt.Sprint(found)), append(errs, err)
	}
	_, auditErr := s.Audit(t.Context(), "a0")
	issueErr := issue(t.Context(), s, tokenOf(ann(), 99), 1)
	_, changeErr := s.ChangePassword(t.Context(), changeBy(tokenOf(ann(), 99)))
	_, sweepErr := s.Sweep(t.Context(), tokenOf(ann(), 0).Expires.AddDate(0, 0, 2))
	return strings.Join(all, "\n"), errors.Join(append(errs, auditErr, issueErr, changeErr, sweepErr)...)
}

// opened writes a file, opens it and uses it.
func opened(t *testing.T, file []byte) (read string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "accounts.db")
	must(t, os.WriteFile(path, file, 0o600))
	s, err := bolt.OpenExisting(path)
	if err != nil {
		if !errors.Is(err, bolt.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore a backup") {
			t.Errorf("error %v", err)
		}
		must(t, os.Remove(path))
		return "", err
	}
	read, err = use(t, s)
	must(t, s.Close())
	return read, err
}

// A page of which nothing is left is found when the file is opened, whichever it is, unless
// it is one that held nothing. Neither a panic nor a fault of the memory that the file is
// mapped to ends the process.
//
// security 23: no process works on with a damaged store.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	good := lived(t)
	want, err := opened(t, good)
	must(t, err)
	for name, damage := range map[string]func(page []byte){
		"zeros":  func(p []byte) { clear(p) },
		"ones":   func(p []byte) { copy(p, bytes.Repeat([]byte{0xff}, len(p))) },
		"count":  func(p []byte) { binary.NativeEndian.PutUint16(p[10:], 0xffff) },
		"span":   func(p []byte) { binary.NativeEndian.PutUint32(p[12:], 0xfffffff0) },
		"kind":   func(p []byte) { p[8] ^= 3 },                                      // branch for leaf
		"first":  func(p []byte) { binary.NativeEndian.PutUint32(p[20:], 1<<30) },   // where a key is
		"length": func(p []byte) { binary.NativeEndian.PutUint32(p[24:], 1<<31-1) }, // of a key
		"nested": func(p []byte) { binary.NativeEndian.PutUint32(p[16:], 1) },       // a bucket for a value
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for at := 2 * pageSize; at < len(good); at += pageSize {
				bad := bytes.Clone(good)
				damage(bad[at : at+pageSize])
				read, err := opened(t, bad)
				if err != nil {
					found++
				} else if read != want {
					t.Errorf("page %d: read in silence:\n%s", at/pageSize, cmp.Diff(want, read))
				}
			}
			if found < 20 {
				t.Errorf("%d of %d damaged pages were found", found, len(good)/pageSize)
			}
		})
	}
}

// One wrong byte anywhere, as a failing disk makes it, ends no process. (One within a value
// may not be found: bbolt has no sums over its pages.)
func TestDamagedBytes(t *testing.T) {
	t.Parallel()
	good := lived(t)
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 400 {
		bad := bytes.Clone(good)
		page := random.IntN(len(bad) / pageSize)
		for range 3 { // near the beginning of a page, where its structure is
			bad[page*pageSize+random.IntN(200)] ^= 1 << random.IntN(8)
		}
		if _, err := opened(t, bad); err != nil {
			refused++
		}
	}
	if refused < 50 {
		t.Errorf("%d of 400 damaged files were refused", refused)
	}
}

// A file that is no bbolt file, or only a part of one, is refused with advice.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	good := lived(t)
	other := filepath.Join(t.TempDir(), "other.db")
	putOther(t, other)
	others, err := os.ReadFile(other)
	must(t, err)
	for name, file := range map[string][]byte{
		"short text":          []byte("alice@example.com: secret\n"),
		"long text":           bytes.Repeat([]byte("alice@example.com: secret\n"), 4000),
		"zeros":               make([]byte, len(good)),
		"one page":            good[:pageSize],
		"two pages":           good[:2*pageSize],
		"half":                good[:len(good)/2/pageSize*pageSize],
		"half, within a page": good[:len(good)/2/pageSize*pageSize+100],
		"both beginnings":     append(make([]byte, 2*pageSize), good[2*pageSize:]...),
		"of another program":  others,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := opened(t, file); !errors.Is(err, bolt.ErrDamaged) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A file that breaks while it is open breaks no process either, and is written to no more.
func TestDamagedWhileOpen(t *testing.T) {
	t.Parallel()
	good := lived(t)
	for name, damage := range map[string]func(path string) error{
		"cut off": func(path string) error { return os.Truncate(path, 0) },
		"overwritten": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, len(good)), 0)
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "accounts.db")
			must(t, os.WriteFile(path, good, 0o600))
			s, err := bolt.OpenExisting(path)
			must(t, err)
			must(t, damage(path))
			before, err := os.ReadFile(path)
			must(t, err)
			_, find := s.Find(t.Context(), "a0@example.com")
			_, change := s.ChangePassword(t.Context(), changeBy(tokenOf(ann(), 1)))
			if !errors.Is(find, bolt.ErrDamaged) || !errors.Is(change, bolt.ErrDamaged) {
				t.Errorf("find %v, change %v", find, change)
			}
			must(t, s.Close())
			after, err := os.ReadFile(path)
			must(t, err)
			if !bytes.Equal(before, after) {
				t.Error("the damaged file was written to")
			}
		})
	}
}

// A foreign value is damage as well, and is not quoted.
func TestDamagedValue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	s, err := bolt.Open(path)
	must(t, err)
	must(t, s.Put(t.Context(), ann()))
	must(t, s.Close())
	file, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, bytes.ReplaceAll(file, []byte(`"Disabled":false`), []byte(`"Disabled":wrong`)), 0o600))
	_, err = openAt(t, path).Find(t.Context(), ann().Address)
	if !errors.Is(err, bolt.ErrDamaged) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("error %v", err)
	}
}
