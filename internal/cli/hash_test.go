package cli

import (
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/password"
)

// The starter makes hashes that the host application reads, and only as its settings say.
func TestHashAndNormalize(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args     []string
		hasher   password.Hasher
		verbatim bool
	}{
		{nil, password.DefaultParams(), false},
		{[]string{"--hash=bcrypt"}, password.DefaultBcrypt(), false},
		{[]string{"--normalize=none"}, password.DefaultParams(), true},
	} {
		var c cli
		parser, err := newParser(&c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(starterArgs(t, test.args...)); err != nil {
			t.Fatal(err)
		}
		cfg, err := c.Starter.clientConfig(&process{ctx: t.Context(), log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Hashing != test.hasher || cfg.Policy.Verbatim != test.verbatim {
			t.Errorf("%v: %+v, verbatim %v", test.args, cfg.Hashing, cfg.Policy.Verbatim)
		}
	}
}
