package account_test

import (
	"errors"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// Callers compare with ErrRefused only, so each refusal must be one, and no other error may be.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		account.ErrAccountGone, account.ErrNotResettable, account.ErrAddressChanged, account.ErrCredentialChanged, account.ErrHashForm, account.ErrNeverTaken,
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

// security 30: the mark of an account without a password is no hash, and every hash is one.
func TestHasPassword(t *testing.T) {
	t.Parallel()
	for credential, want := range map[string]bool{
		"": false, "!": false, "!r4nd0m": false, "*": false, "*LK*": false, "!$6$salt$locked": false,
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA": true, "$2b$12$abc": true, "pbkdf2_sha256$1000$salt$hash": true, "{SSHA}hash": true,
	} {
		if (account.Account{Credential: credential}).HasPassword() != want {
			t.Errorf("%q: want %v", credential, want)
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
