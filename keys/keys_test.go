package keys_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/keys"
)

// loaders are all ways to read a file, by the file that they read.
func loaders(d keys.Dir) map[keys.Use]func() error {
	return map[keys.Use]func() error{
		keys.Link:             func() error { _, err := d.Link(); return err },
		keys.Payload:          func() error { _, err := d.Payload(); return err },
		keys.Submission:       func() error { _, err := d.SubmissionOpener(); return err },
		keys.SubmissionPublic: func() error { _, err := d.SubmissionSealer(); return err },
		keys.Account:          func() error { _, err := d.AccountKeys(); return err },
		keys.Salt:             func() error { _, err := d.Salts(); return err },
	}
}

// A process needs only the files that it reads: each of these works in a folder without
// any other.
func TestEachReadsOneFile(t *testing.T) {
	t.Parallel()
	all := newKeys(t)
	for u := range loaders(keys.Dir{}) {
		dir := t.TempDir()
		check(t, os.Rename(file(clone(t, all), u), file(dir, u)))
		for other, load := range loaders(keys.Open(dir)) {
			switch err := load(); {
			case other == u && err != nil:
				t.Errorf("%s alone: %v", u, err)
			case other != u && !errors.Is(err, os.ErrNotExist):
				t.Errorf("%s without its file: %v", other, err)
			}
		}
	}
}

// security 24: the permissions of the opened file decide. Kubernetes and Compose mount
// secrets that a group may read.
func TestPermissions(t *testing.T) {
	t.Parallel()
	for mode, okay := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o640: true, 0o440: true, 0o700: true,
		0o644: false, 0o444: false, 0o604: false, 0o602: false, 0o601: false,
		0o660: false, 0o620: false, 0o666: false,
	} {
		dir := newKeys(t)
		for u, load := range loaders(keys.Open(dir)) {
			check(t, os.Chmod(file(dir, u), mode))
			if err := load(); okay && err != nil || !okay && !errors.Is(err, keys.ErrPermissions) {
				t.Errorf("%s with mode %o: %v", u, mode, err)
			}
		}
	}
}

// security 24: a symbolic link (Kubernetes makes such) has no permissions of its own.
func TestPermissionsThroughASymlink(t *testing.T) {
	t.Parallel()
	target, dir := newKeys(t), t.TempDir()
	check(t, os.Symlink(file(target, keys.Link), file(dir, keys.Link)))
	if _, err := keys.Open(dir).Link(); err != nil {
		t.Errorf("a link to a private file: %v", err)
	}
	check(t, os.Chmod(file(target, keys.Link), 0o644))
	if _, err := keys.Open(dir).Link(); !errors.Is(err, keys.ErrPermissions) {
		t.Errorf("a link to an open file: %v", err)
	}
}

// security 41: production refuses keysets for development, rotated ones too.
func TestDevKeysets(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	check(t, keys.Create(dir, true))
	promoteNew(t, dir, keys.Payload)
	promoteNew(t, dir, keys.Submission)
	for u, load := range loaders(keys.Open(dir)) {
		if err := load(); !errors.Is(err, keys.ErrDev) {
			t.Errorf("%s: %v", u, err)
		}
		if !info(t, dir, u).Dev {
			t.Errorf("%s is not listed as for development", u)
		}
	}
	for u, load := range loaders(keys.Open(dir, keys.AllowDev)) {
		if err := load(); err != nil {
			t.Errorf("%s where it is allowed: %v", u, err)
		}
	}
}

func TestMixedUpFiles(t *testing.T) {
	t.Parallel()
	for u := range loaders(keys.Dir{}) {
		for other := range loaders(keys.Dir{}) {
			if u == other {
				continue
			}
			dir := newKeys(t)
			check(t, os.Rename(file(dir, other), file(dir, u)))
			err := loaders(keys.Open(dir))[u]()
			if err == nil || !strings.Contains(err.Error(), "mixed up") {
				t.Errorf("%s in the place of %s: %v", other, u, err)
			}
		}
	}
}

// A damaged file is an error that names the file and shows nothing of it.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"cut short":   func(raw []byte) []byte { return raw[:len(raw)/2] },
		"not ours":    func([]byte) []byte { return []byte(`{"primaryKeyId":1,"key":[]}`) },
		"another":     replace("rekey/keyset/v1", "rekey/keyset/v2"),
		"no keys":     replace(`"key": [`, `"kex": [`),
		"no keyset":   replace(`"keyset"`, `"kexset"`),
		"key garbled": replace(`"value": "`, `"value": "AAAA`),
	} {
		dir := newKeys(t)
		for u, load := range loaders(keys.Open(dir)) {
			raw, err := os.ReadFile(file(dir, u))
			check(t, err)
			check(t, os.WriteFile(file(dir, u), damage(raw), 0o600))
			err = load()
			if err == nil || !strings.Contains(err.Error(), file(dir, u)) || strings.Contains(err.Error(), "AAAA") {
				t.Errorf("%s, %s: %v", u, name, err)
			}
		}
	}
}

func replace(from, to string) func([]byte) []byte {
	return func(raw []byte) []byte { return bytes.Replace(raw, []byte(from), []byte(to), 1) }
}

// Without its family key a payload keyset would judge every payload foreign.
func TestPayloadKeysetWithoutFamily(t *testing.T) {
	t.Parallel()
	for _, to := range []string{`"other": "`, `"family": "AAAA`} {
		dir := newKeys(t)
		raw, err := os.ReadFile(file(dir, keys.Payload))
		check(t, err)
		check(t, os.WriteFile(file(dir, keys.Payload), replace(`"family": "`, to)(raw), 0o600))
		if _, err := keys.Open(dir).Payload(); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", to, err)
		}
	}
}

// security 4 and 26: the nonce of a link has 192 random bits, so no holder of the keys can make
// the same link again.
func TestLinkNonce(t *testing.T) {
	t.Parallel()
	a, err := open(newKeys(t)).Link()
	check(t, err)
	one, err := a.Encrypt(nil, nil)
	check(t, err)
	two, err := a.Encrypt(nil, nil)
	check(t, err)
	const prefix, tag = 5, 16
	if nonce := len(one) - prefix - tag; nonce != 24 || bytes.Equal(one[prefix:], two[prefix:]) {
		t.Errorf("the nonce has %d bytes", nonce)
	}
}
