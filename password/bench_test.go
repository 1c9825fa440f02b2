package password_test

import (
	"errors"
	"testing"

	"github.com/rekeyhq/rekey/password"
)

// BenchmarkHash is the cost of every accepted password for a starter, on one core.
func BenchmarkHash(b *testing.B) {
	p := password.DefaultParams()
	for b.Loop() {
		p.Hash("nine lanterns over the bay", make([]byte, 16))
	}
}

// BenchmarkJudge is the cost of judging a password before it is hashed.
func BenchmarkJudge(b *testing.B) {
	policy := password.DefaultPolicy()
	for b.Loop() {
		if err := errors.Join(policy.Check("nine lanterns over the bay"), policy.Strength("nine lanterns over the bay")); err != nil {
			b.Fatal(err)
		}
	}
}
