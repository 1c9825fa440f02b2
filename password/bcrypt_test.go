package password

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

var quick = Bcrypt{Cost: 4}

// The vectors are of crypt_blowfish's wrapper.c; "$2b$" is what many make today.
func TestVerifyOthersBcrypt(t *testing.T) {
	t.Parallel()
	for stored, right := range map[string]string{
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": "U*U",
		"$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK": "U*U*",
		"$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e": "\xff\xff\xa3",
		"$2b$" + string(made(t, "correct horse"))[len("$2a$"):]:        "correct horse",
		"$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
	} {
		for password, want := range map[string]bool{right: true, right + "!": false, "": false} {
			if got, err := Verify(stored, password); err != nil || got != want {
				t.Errorf("Verify(%s, %q) = %v, %v, want %v", stored, password, got, err, want)
			}
		}
	}
}

func made(t *testing.T, password string) []byte {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// The usual library reads hashes made with rekey's salt.
func TestOthersReadOurBcrypt(t *testing.T) {
	t.Parallel()
	for _, password := range []string{passphrase, "é" + passphrase, strings.Repeat("x", bcryptBytes)} {
		hash := quick.Hash(password, salt)
		if !strings.HasPrefix(hash, "$2a$04$") || len(hash) != bcryptLen {
			t.Errorf("hash %s", hash)
		}
		if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil {
			t.Errorf("%q: %v", password, err)
		}
		if again := quick.Hash(password, salt); again != hash {
			t.Errorf("first %s, then %s", hash, again)
		}
		if other := quick.Hash(password, []byte("fedcba9876543210")); other == hash {
			t.Error("another salt gives the same hash")
		}
	}
	if cost, err := bcrypt.Cost([]byte(Bcrypt{}.Hash(passphrase, salt))); err != nil || cost != 12 {
		t.Errorf("cost %d, %v, want the default", cost, err)
	}
}

// security 13: bcrypt looks at 72 bytes; nothing is cut, at reset or at sign-in.
func TestBcryptCutsNothing(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", bcryptBytes)
	if ok, err := Verify(quick.Hash(longest, salt), longest+"y"); err != nil || ok {
		t.Errorf("a longer password signs in: %v, %v", ok, err)
	}
	for what, hash := range map[string]func(){
		"a longer password": func() { quick.Hash(longest+"y", salt) },
		"no salt":           func() { quick.Hash(longest, nil) },
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || strings.Contains(err.Error(), "xx") {
					t.Errorf("%s is hashed, or quoted: %v", what, err)
				}
			}()
			hash()
		}()
	}
}

func TestVerifyRefusesBcrypt(t *testing.T) {
	t.Parallel()
	good := quick.Hash(passphrase, salt)
	for name, stored := range map[string]string{
		"too costly":    strings.Replace(good, "$04$", "$15$", 1),
		"no cost":       strings.Replace(good, "$04$", "$xx$", 1),
		"too cheap":     strings.Replace(good, "$04$", "$03$", 1),
		"cut":           good[:59],
		"longer":        good + "x",
		"no salt":       good[:7] + strings.Repeat("!", 22) + good[29:],
		"a fault of 2x": strings.Replace(good, "$2a$", "$2x$", 1),
	} {
		if ok, err := Verify(stored, passphrase); ok || !errors.Is(err, ErrHash) {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

// security 39: an application that does not normalize gets the password as typed.
func TestVerbatim(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	const one, two = "caf\u00e9", "cafe\u0301"
	if p.Normalize(two) != one {
		t.Error("the default policy does not normalize")
	}
	p.Verbatim = true
	if p.Normalize(one) != one || p.Normalize(two) != two {
		t.Error("a password is not as it was typed")
	}
}
