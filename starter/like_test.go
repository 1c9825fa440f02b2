package starter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
)

// says is a link with hash parameters.
func says(t *testing.T, f *filter, hash string) string {
	t.Helper()
	token, err := f.links.Seal(link.Reset, link.Claims{
		RunID: "6b1f3a52-7a0e-4c1d-9e53-0d2f4a6b8c01", AccountKey: strings.Repeat("a", 32),
		Expires: f.cfg.Now().Add(time.Minute).Truncate(time.Second), Address: "ada@example.com", Hash: hash,
	})
	if err != nil {
		t.Fatal(err)
	}
	return token.Text()
}

// The link's parameters go before the starter's settings; a link from before 0.3.0 has none.
func TestLinkSaysHowToHash(t *testing.T) {
	t.Parallel()
	for hash, begins := range map[string]string{"2y04": "$2y$04$", "2b05": "$2b$05$", "64,2,1": "$argon2id$v=19$m=64,t=2,p=1$", "": "$2a$04$", "d2:1000": "pbkdf2_sha256$1000$", "wp:2y04": "$wp$2y$04$"} {
		f := newFilter(t)
		f.cfg.Hashing = password.Bcrypt{Cost: 4}
		made, _ := opened(t, f, says(t, f, hash), goodPassword)
		if ok, err := password.Verify(made, goodPassword); err != nil || !ok || !strings.HasPrefix(made, begins) {
			t.Errorf("%q: %s, %v", hash, made, err)
		}
	}
}

// security 13: the link's bcrypt bounds a password whose starter hashes with Argon2id.
func TestLinkBoundsThePolicy(t *testing.T) {
	t.Parallel()
	f := newFilter(t)
	f.cfg.Policy = password.DefaultPolicy()
	err := f.Submit(t.Context(), says(t, f, "2y04"), strings.Repeat("plum velvet ", 6)+"x")
	if refusal, ok := errors.AsType[*password.Refusal](err); !ok || refusal.Code != password.TooLong {
		t.Errorf("73 bytes: %v", err)
	}
}

// security 15: a link never makes a starter spend more than its limits. Parameters of a newer
// release are not guessed.
func TestLinkOfUnknownHash(t *testing.T) {
	t.Parallel()
	f := newFilter(t)
	for _, hash := range []string{"262145,1,1", "2y15", "2x10", "pbkdf2", "d2:4000001", "wc:1048576,8,1", "sb:2a15"} {
		if err := f.Submit(t.Context(), says(t, f, hash), goodPassword); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", hash, err)
		}
	}
}
