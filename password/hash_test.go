package password

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

var (
	cheap = Params{Memory: 64, Time: 1, Threads: 1}
	salt  = []byte("0123456789abcdef")
)

// The vector is of the reference implementation's command:
//
//	printf password | argon2 somesalt -id -v 13 -t 2 -m 6 -p 1 -l 24 -e
func TestVerifyOthersHash(t *testing.T) {
	t.Parallel()
	const phc = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$Bo1ismRVk2qm6+YAYLCmWHDb+j3fjUH3"
	for password, want := range map[string]bool{"password": true, "Password": false, "": false} {
		got, err := Verify(phc, password)
		if err != nil || got != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, got, err, want)
		}
	}
}

// security 15: 19 MiB, t=2, p=1.
func TestDefaultCosts(t *testing.T) {
	t.Parallel()
	const header = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
	phc := DefaultParams().Hash(passphrase, salt)
	if !strings.HasPrefix(phc, header) {
		t.Errorf("hash is %s, want it to begin with %s", phc, header)
	}
	if zero := (Params{}).Hash(passphrase, salt); zero != phc {
		t.Errorf("the zero Params give %s, want the default %s", zero, phc)
	}
}

// The same link and the same password have to give the same submission, hence the same
// hash; another password or another salt must not.
func TestHashIsAFunction(t *testing.T) {
	t.Parallel()
	phc := cheap.Hash(passphrase, salt)
	if again := cheap.Hash(passphrase, salt); again != phc {
		t.Errorf("first %s, then %s", phc, again)
	}
	if other := cheap.Hash(passphrase+"!", salt); other == phc {
		t.Error("another password has the same hash")
	}
	if other := cheap.Hash(passphrase, bytes.ToUpper(salt)); other == phc {
		t.Error("another salt gives the same hash")
	}
	for password, want := range map[string]bool{passphrase: true, passphrase + "!": false} {
		if ok, err := Verify(phc, password); err != nil || ok != want {
			t.Errorf("Verify(%q) = %v, %v, want %v", password, ok, err, want)
		}
	}
}

// security 13: nothing is truncated, not even after bcrypt's 72 bytes.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", DefaultMaxBytes-1)
	phc := cheap.Hash(long+"a", salt)
	for last, want := range map[string]bool{"a": true, "b": false} {
		if ok, err := Verify(phc, long+last); err != nil || ok != want {
			t.Errorf("last byte %s: %v, %v, want %v", last, ok, err, want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	good := cheap.Hash(passphrase, salt)
	for name, phc := range map[string]string{
		"nothing":            "",
		"a word":             "password",
		"argon2i":            strings.Replace(good, "argon2id", "argon2i", 1),
		"version 16":         strings.Replace(good, "v=19", "v=16", 1),
		"no memory":          strings.Replace(good, "m=64", "m=0", 1),
		"memory over bound":  strings.Replace(good, "m=64", "m=262145", 1),
		"memory over 32 bit": strings.Replace(good, "m=64", "m=4294967360", 1),
		"no passes":          strings.Replace(good, "t=1", "t=0", 1),
		"passes over bound":  strings.Replace(good, "t=1", "t=13", 1),
		"no threads":         strings.Replace(good, "p=1", "p=0", 1),
		"threads over bound": strings.Replace(good, "p=1", "p=17", 1),
		"a sign":             strings.Replace(good, "m=64", "m=+64", 1),
		"a leading zero":     strings.Replace(good, "m=64", "m=064", 1),
		"more parameters":    strings.Replace(good, "p=1$", "p=1,data=x$", 1),
		"prefix":             "x" + good,
		"suffix":             good + "$x",
		"padding":            good + "=",
		"line break":         good + "\n",
		"short salt":         cheap.Hash(passphrase, salt[:7]),
		"long salt":          cheap.Hash(passphrase, bytes.Repeat(salt, 5)),
		"short hash":         good[:strings.LastIndexByte(good, '$')] + "$c2hvcnQ",
		"bits left over":     good[:len(good)-1] + "B",
	} {
		ok, err := Verify(phc, passphrase)
		if ok || !errors.Is(err, ErrHash) {
			t.Errorf("%s: %v, %v, want ErrHash", name, ok, err)
		}
		if phc != "" && err != nil && strings.Contains(err.Error(), phc) {
			t.Errorf("%s: the error holds the hash", name)
		}
	}
}

// FuzzParse checks that parse takes one spelling only, and within the bounds.
func FuzzParse(f *testing.F) {
	f.Add(cheap.Hash(passphrase, salt))
	f.Add("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$Bo1ismRVk2qm6+YAYLCmWHDb+j3fjUH3")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, phc string) {
		p, salt, hash, err := parse(phc)
		if err != nil {
			return
		}
		if !p.affordable() || len(salt) > 64 || len(hash) > 64 || p.encode(salt, hash) != phc {
			t.Errorf("parse takes %q", phc)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		DefaultParams().Hash(passphrase, salt)
	}
}
