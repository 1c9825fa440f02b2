package account_test

import (
	"errors"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// Callers ask for ErrRefused and nothing else, so each refusal must be one, and what
// is none must not be.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		account.ErrAccountGone, account.ErrNotResettable, account.ErrAddressChanged, account.ErrCredentialChanged,
	} {
		if !errors.Is(err, account.ErrRefused) {
			t.Errorf("%v is no refusal", err)
		}
	}
	for _, err := range []error{account.ErrNotFound, account.ErrMailLimit, account.ErrTokenUnknown} {
		if errors.Is(err, account.ErrRefused) {
			t.Errorf("%v is a refusal", err)
		}
	}
}

// Records that were written before an upgrade must still be good after it.
func TestCredentialDigestIsFrozen(t *testing.T) {
	t.Parallel()
	const want = "\x03\xb1\x51\xce"
	if got := account.CredentialDigest("$argon2id$example"); string(got[:4]) != want {
		t.Errorf("digest begins with %x", got[:4])
	}
}
