package password

import (
	"errors"
	"strings"
	"testing"
)

// A new hash has format, letter and costs of the old one, and is one that
// others read.
func TestLike(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]struct{ text, begins string }{
		"$2a$04$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq": {"2a04", "$2a$04$"},
		"$2b$05$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq": {"2b05", "$2b$05$"},
		"$2y$06$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq": {"2y06", "$2y$06$"},
		"$2b$damaged": {"2b12", "$2b$12$"},
		"$argon2id$v=19$m=64,t=3,p=2$c2FsdA$aGFz": {"64,3,2", "$argon2id$v=19$m=64,t=3,p=2$"},
		"$argon2id$m=64,t=3,p=2$c2FsdA$aGFz":      {"", "$argon2id$v=19$m=19456,t=2,p=1$"},
	} {
		h, err := Like(stored)
		if err != nil || Text(h) != want.text {
			t.Errorf("%s: %+v, %v", stored, h, err)
			continue
		}
		if want.text == "" { // the reader's own default
			want.text = Text(DefaultParams())
		}
		again, err := Parse(want.text)
		if err != nil || again.Hash(passphrase, salt) != h.Hash(passphrase, salt) {
			t.Errorf("%s: %+v, then %+v, %v", stored, h, again, err)
		}
		hash := h.Hash(passphrase, salt)
		if ok, err := Verify(hash, passphrase); err != nil || !ok || !strings.HasPrefix(hash, want.begins) {
			t.Errorf("%s: %s, %v, %v", stored, hash, ok, err)
		}
	}
}

// A hash that cannot be made, or costs too much, is refused before a mail goes out.
func TestLikeNothing(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		"", "old", "pbkdf2_sha256$600000$c2FsdA$aGFzaA", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "sha1$salt$aGFzaA", "{noop}x", "{pbkdf2}ab", "argon2$argon2i$v=19$m=64,t=3,p=2$c2FsdA$aGFz",
		"$wp$2b$10$x", "{bcrypt}$2x$10$x", "{bcrypt}$2y$15$x", "$2x$10$x", "$2$10$x", "$argon2i$v=19$m=64,t=3,p=2$c2FsdA$aGFz", "c3f1a8b3:9d2b1c4e", "$P$Bx", "AQAAAAIAAYag",
		"$2y$15$x", "$2y$31$x", "$argon2id$v=19$m=262145,t=1,p=1$c2FsdA$aGFz", "$argon2id$v=19$m=64,t=13,p=1$c2FsdA$aGFz",
		"$argon2id$v=19$m=64,t=1,p=17$c2FsdA$aGFz", "$argon2id$v=19$m=64,t=0,p=1$c2FsdA$aGFz", "$argon2id$v=19$m=999999999,t=1,p=999$s$h",
	} {
		if h, err := Like(stored); !errors.Is(err, ErrUnsupported) || h != nil {
			t.Errorf("%s: %+v, %v", stored, h, err)
		}
	}
}

// FuzzParseText: an accepted text is in its only spelling and affordable.
func FuzzParseText(f *testing.F) {
	for _, text := range []string{"", "2y12", "2a4", "2a04", "2x04", "2y99", "2y-1", "19456,2,1", "0,0,0", "64,1,1", "64,1,1,1", " 64,1,1", "064,1,1", "262145,1,1", "2,1,1", "d2:600000", "dc:16384,8,5", "wp:2y10", "da:64,1,1", "bc:16384,16,1", "sb:d2:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if err != nil {
			return
		}
		if Text(h) != text || h.Check() != nil {
			t.Errorf("%q is %+v, which is %q, %v", text, h, Text(h), h.Check())
		}
	})
}

// Only a hasher of this package has a text.
func TestTextOfAnother(t *testing.T) {
	t.Parallel()
	if got := Text(DefaultParams()); got != "19456,2,1" {
		t.Errorf("text %q", got)
	}
	if got := Text(struct{ Hasher }{quick}); got != "" {
		t.Errorf("text %q", got)
	}
}
