// Package stacktest runs the whole product in the process of a test.
package stacktest

import (
	"testing"

	"github.com/rekeyhq/rekey/dev/stack"
)

// Start starts a product, until the test ends.
func Start(t *testing.T, cfg stack.Config) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}
