package process

import (
	"errors"
	"testing"
	"time"
)

// errNotYet is the reason for a retry of a question that only knows yes and no.
var errNotYet = errors.New("not so yet")

// Eventually retries until it is true. It gives up with the test too, so that work beside the
// test ends with it.
func Eventually(t *testing.T, patience time.Duration, what string, ask func() bool) {
	t.Helper()
	Succeeds(t, patience, what, func() error {
		if ask() {
			return nil
		}
		return errNotYet
	})
}

// Succeeds is Eventually with an error as the reason for the wait.
func Succeeds(t *testing.T, patience time.Duration, what string, try func() error) {
	t.Helper()
	again, late := time.NewTicker(100*time.Millisecond), time.After(patience)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatalf("%s: the test ended before: %v", what, err)
		case <-late:
			t.Fatalf("%s: not in %s: %v", what, patience, err)
		}
	}
}

// Happens waits for an event.
func Happens(t *testing.T, patience time.Duration, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatalf("%s did not happen in %s", what, patience)
	}
}
