package starter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
)

// opened are the submission of a password for a link and its ID, as a run gets it.
func opened(t *testing.T, f *filter, token, chosen string) (hash, id string) {
	t.Helper()
	l, err := f.open(link.Reset, token)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.submission(t.Context(), l, chosen)
	if err != nil {
		t.Fatal(err)
	}
	return s.Hash, s.ID()
}

// security 36: the same link and password make the same submission in either format. Another
// password or link makes another.
func TestSameSubmissionInEitherFormat(t *testing.T) {
	t.Parallel()
	for name, hasher := range map[string]password.Hasher{"$argon2id$": password.Params{Memory: 64, Time: 1, Threads: 1}, "$2a$": password.Bcrypt{Cost: 4}} {
		f := newFilter(t)
		f.cfg.Hashing = hasher
		token := f.token(t, link.Reset, f.cfg.Now().Add(time.Minute))
		const chosen = "plum velvet thirty gulls"
		hash, id := opened(t, f, token, chosen)
		again, sameID := opened(t, f, token, chosen)
		if hash != again || id != sameID {
			t.Errorf("%s: the same submission is %s, then %s", name, id, sameID)
		}
		if ok, err := password.Verify(hash, chosen); err != nil || !ok || !strings.HasPrefix(hash, name) {
			t.Errorf("%s: Verify of %s = %v, %v", name, hash, ok, err)
		}
		if _, other := opened(t, f, token, chosen+"s"); other == id {
			t.Errorf("%s: another password is the same submission", name)
		}
		if _, other := opened(t, f, f.token(t, link.Reset, f.cfg.Now().Add(time.Minute)), chosen); other == id {
			t.Errorf("%s: another link is the same submission", name)
		}
	}
}

// security 13: a password that bcrypt would cut is refused, with a reason and before any call.
func TestBcryptBoundsThePolicy(t *testing.T) {
	t.Parallel()
	f := newFilter(t)
	f.cfg.Hashing, f.cfg.Policy = password.DefaultBcrypt(), password.DefaultPolicy()
	f.cfg = f.cfg.withDefaults()
	token := f.token(t, link.Reset, f.cfg.Now().Add(time.Minute))
	err := f.Submit(t.Context(), token, strings.Repeat("plum velvet ", 6)+"x")
	refusal, ok := errors.AsType[*password.Refusal](err)
	if !ok || refusal.Code != password.TooLong || !strings.Contains(refusal.Suggestions[0], "72") {
		t.Errorf("73 bytes: %v", err)
	}
	if longest := (Config{Policy: password.DefaultPolicy()}).withDefaults(); longest.Policy.MaxBytes != password.DefaultMaxBytes || longest.Hashing != password.Hasher(password.DefaultParams()) {
		t.Errorf("without a choice: %d bytes, %+v", longest.Policy.MaxBytes, longest.Hashing)
	}
}

// Dial refuses settings that would fail at the first submission, or keep its owner from
// signing in.
func TestDialChecksHowPasswordsAreHashed(t *testing.T) {
	t.Parallel()
	good := Config{Policy: password.DefaultPolicy(), Budget: password.NewBudget(1, 0, time.Second)}
	for want, change := range map[string]func(*Config){
		"a budget for hashing is missing":   func(c *Config) { c.Budget = nil },
		"a password policy is missing":      func(c *Config) { c.Policy = password.Policy{} },
		"want a cost of 4 to 14, not 15":    func(c *Config) { c.Hashing = password.Bcrypt{Cost: 15} },
		"want a cost of 4 to 14, not 3":     func(c *Config) { c.Hashing = password.Bcrypt{Cost: 3} },
		"argon2id: want at most 262144 KiB": func(c *Config) { c.Hashing = password.Params{Memory: 512 * 1024} },
		"start limit: want 0 or more":       func(c *Config) { c.StartLimit = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := Dial(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A page gives password managers the bound of the link's bcrypt.
func TestLinkTellsItsBound(t *testing.T) {
	t.Parallel()
	for hash, want := range map[string]int{"2y04": 72, "64,2,1": 0} {
		s := newScripted(t)
		if got, err := s.Inspect(t.Context(), says(t, s.filter, hash)); err != nil || got.MaxBytes != want {
			t.Errorf("%s: %+v, %v, want %d", hash, got, err, want)
		}
	}
}
