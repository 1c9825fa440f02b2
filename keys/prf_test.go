package keys_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"testing"

	"github.com/rekeyhq/rekey/keys"
)

func accountKeys(tb testing.TB, dir string) *keys.AccountKeys {
	tb.Helper()
	k, err := open(dir).AccountKeys()
	return value(tb, k, err)
}

func salts(tb testing.TB, dir string) *keys.Salts {
	tb.Helper()
	s, err := open(dir).Salts()
	return value(tb, s, err)
}

// An account key is a workflow ID: it must come out the same in every process and for
// ever, and say nothing about the address.
func TestAccountKey(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	key := accountKeys(t, dir).Key("owner@example.com")
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(key) {
		t.Errorf("key %q", key)
	}
	for _, u := range rotated { // security 37: it does not move with the keys that rotate
		promoteNew(t, dir, u)
	}
	if again := accountKeys(t, clone(t, dir)).Key("owner@example.com"); again != key {
		t.Errorf("%s, then %s", key, again)
	}
	if other := accountKeys(t, dir).Key("owner@example.org"); other == key {
		t.Error("two addresses have one key")
	}
	if other := accountKeys(t, newKeys(t)).Key("owner@example.com"); other == key {
		t.Error("the key does not depend on the keyset")
	}
}

func TestSalt(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	one := salts(t, dir).Salt([32]byte{1})
	if len(one) != 16 || !bytes.Equal(one, salts(t, dir).Salt([32]byte{1})) {
		t.Errorf("salt %x", one)
	}
	for name, other := range map[string][]byte{
		"another token":  salts(t, dir).Salt([32]byte{2}),
		"another keyset": salts(t, newKeys(t)).Salt([32]byte{1}),
	} {
		if bytes.Equal(one, other) {
			t.Errorf("%s has the same salt", name)
		}
	}
}

// The input of a PRF names its use, so that the results of two uses differ, even with one
// secret in both files.
func TestPRFsAreApart(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	raw := bytes.Replace(read(t, dir, keys.Account), []byte(`"use": "account"`), []byte(`"use": "salt"`), 1)
	check(t, os.WriteFile(file(dir, keys.Salt), raw, 0o600))
	var digest [32]byte
	salt := hex.EncodeToString(salts(t, dir).Salt(digest))
	if key := accountKeys(t, dir).Key(string(digest[:])); key == salt {
		t.Errorf("both are %s", key)
	}
}
