package password

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// blockable are stored hashes of every form, with the text of their form. All but the damaged ones
// are of vectorPassword.
func blockable() map[string]struct{ stored, text string } {
	all := maps.Clone(vectors)
	for _, h := range []Hasher{
		Params{Memory: 64, Time: 1, Threads: 2},
		Bcrypt{Cost: 4, Letter: 'a'},
		Bcrypt{Cost: 4, Letter: 'b'},
		Bcrypt{Cost: 5, Letter: 'y'},
	} {
		all[Text(h)] = struct{ stored, text string }{h.Hash(vectorPassword, salt), Text(h)}
	}
	for stored, text := range map[string]string{
		"$2b$damaged": "2b12", "$2y$06$iBVNEnA2FvMVCmpqVPSDgeTTnUi": "2y06", "$2a$04$!!VNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq": "2a04",
		"$argon2id$old": "19456,2,1", "$argon2id$v=19$m=64,t=3,p=2$c2FsdA$aGFz": "64,3,2", "argon2$argon2id$m=64": "da:19456,2,1", "{bcrypt}$2a$": "sb:2a12",
	} {
		all["damaged "+stored] = struct{ stored, text string }{stored, text}
	}
	return all
}

// security 10, 23: a blocked hash has the form, costs and salt of the old one, and is of no password
// that anybody knows. Once more under the same seed it is the same.
func TestUnusable(t *testing.T) {
	t.Parallel()
	for name, v := range blockable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Unusable(v.stored, "run")
			if err != nil {
				t.Fatal(err)
			}
			if like, err := Like(got); err != nil || Text(like) != v.text {
				t.Errorf("%s is like %+v, %v, want %s", got, like, err, v.text)
			}
			if was, is := account.Form(v.stored), account.Form(got); was != is {
				t.Errorf("the form was %q, and is %q", was, is)
			}
			if !(account.Account{Credential: got}).HasPassword() {
				t.Errorf("%s is no password, so that no reset would be possible", got)
			}
			for _, password := range []string{vectorPassword, "", "run", got, v.stored} {
				if ok, err := Verify(got, password); ok || err != nil {
					t.Errorf("Verify(%s, %q) = %v, %v", got, password, ok, err)
				}
			}
			if again, err := Unusable(got, "run"); err != nil || again != got {
				t.Errorf("once more: %s, then %s, %v", got, again, err)
			}
			if other, err := Unusable(v.stored, "another run"); err != nil || other == got || len(other) != len(got) {
				t.Errorf("another seed: %s, then %s, %v", got, other, err)
			}
			if !strings.HasPrefix(name, "damaged") {
				keepsSalt(t, v.stored, got)
			}
		})
	}
}

// keepsSalt compares two hashes without their digests, which have the same length.
func keepsSalt(t *testing.T, stored, got string) {
	t.Helper()
	none := make([]byte, longest)
	with, rest := cutPrefix(stored)
	gotWith, gotRest := cutPrefix(got)
	was, wasRead := redigest(rest, none)
	is, isRead := redigest(gotRest, none)
	if with != gotWith || was != is || !wasRead || !isRead || len(stored) != len(got) || stored == got {
		t.Errorf("%s has another salt than %s, or its digest", got, stored)
	}
}

// The hash of another password under the same salt becomes the same.
func TestUnusableForgetsTheDigest(t *testing.T) {
	t.Parallel()
	for name, v := range blockable() {
		like, err := Like(v.stored)
		if err != nil {
			t.Fatal(err)
		}
		one, oneErr := Unusable(sample(like, salt, make([]byte, longest)), "run")
		two, twoErr := Unusable(sample(like, salt, []byte(strings.Repeat("\xff", longest))), "run")
		if one != two || errors.Join(oneErr, twoErr) != nil {
			t.Errorf("%s: %s and %s, %v", name, one, two, errors.Join(oneErr, twoErr))
		}
		if other, err := Unusable(sample(like, []byte("fedcba9876543210"), make([]byte, longest)), "run"); err != nil || other == one {
			t.Errorf("%s: another salt gives %s, %v", name, other, err)
		}
	}
}

// A format that is not written is not blocked in this way.
func TestUnusableFormats(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		"", "!", "*LK*", "old", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "$P$Bx", "{noop}x", "$2x$10$x", "$2y$15$x", "$argon2i$v=19$m=64,t=3,p=2$c2FsdA$aGFz",
	} {
		if got, err := Unusable(stored, "run"); !errors.Is(err, ErrUnsupported) || got != "" {
			t.Errorf("%s: %s, %v", stored, got, err)
		}
	}
}

// Blocked hashes are compared with stored ones by later releases. So they stay.
func TestUnusableIsFrozen(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"$2b$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq": "$2b$12$iBVNEnA2FvMVCmpqVPSDgetOEuFYyKSca/pGTv8gcNq1/.dKZt/X6",
		vectors["Django, SHA-256"].stored:                              "pbkdf2_sha256$1000$FHMNpDeYcK7bUWn3Khne83$atxDjcAJbt6Hdl2omdll599pQjubWg4jLwqKbrCraJM=",
	} {
		if got, err := Unusable(stored, "run"); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

// FuzzUnusable: each hash that can be written is blocked, once.
func FuzzUnusable(f *testing.F) {
	for _, v := range blockable() {
		f.Add(v.stored, "run")
	}
	f.Fuzz(func(t *testing.T, stored, seed string) {
		like, likeErr := Like(stored)
		got, err := Unusable(stored, seed)
		if !errors.Is(err, likeErr) {
			t.Fatalf("%q: %v, but %v", stored, err, likeErr)
		}
		if err != nil {
			return
		}
		now, err := Like(got)
		again, againErr := Unusable(got, seed)
		if p, ok := like.(Params); ok {
			like = p.withDefaults()
		}
		if errors.Join(err, againErr) != nil || Text(now) != Text(like) || again != got || account.Form(stored) != account.Form(got) {
			t.Errorf("%q became %q, which is like %+v and became %q: %v", stored, got, now, again, errors.Join(err, againErr))
		}
	})
}
