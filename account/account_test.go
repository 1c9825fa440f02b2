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
		account.ErrAccountGone, account.ErrNotResettable, account.ErrHasPassword, account.ErrAddressChanged, account.ErrCredentialChanged, account.ErrHashForm, account.ErrNeverTaken,
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

// security 30: which tokens an account allows. A locked hash is no password to sign in with, and
// none to replace by an invitation.
func TestAllows(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
	open := func(credential string) account.Account {
		return account.Account{Credential: credential, Resettable: true}
	}
	closed, elsewhere := open(""), open("")
	closed.Disabled, elsewhere.Resettable = true, false
	for _, tc := range []struct {
		what         string
		a            account.Account
		reset, first error
	}{
		{"a password", open(hash), nil, account.ErrHasPassword},
		{"none", open(""), account.ErrNotResettable, nil},
		{"Django's mark", open("!r4nd0mTexT0fF0rtyCharacters0123456789abcd"), account.ErrNotResettable, nil},
		{"a star", open("*"), account.ErrNotResettable, nil},
		{"a locked hash", open("!" + hash), account.ErrNotResettable, account.ErrNotResettable},
		{"a hash locked twice", open("!!$6$salt$hash"), account.ErrNotResettable, account.ErrNotResettable},
		{"closed", closed, account.ErrNotResettable, account.ErrNotResettable},
		{"single sign-on", elsewhere, account.ErrNotResettable, account.ErrNotResettable},
	} {
		for scope, want := range map[string]error{
			account.ScopePasswordReset: tc.reset, account.ScopeFirstPassword: tc.first, "": account.ErrTokenUnknown, "sign-in": account.ErrTokenUnknown,
		} {
			if err := tc.a.Allows(scope); !errors.Is(err, want) {
				t.Errorf("%s, scope %q: %v, want %v", tc.what, scope, err, want)
			}
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

// No invitation opens an account that an administrator locked: passwd(1) and pw(8) mark its hash.
func TestLockedIsNotEmpty(t *testing.T) {
	t.Parallel()
	const hash = "$2b$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq"
	for _, lock := range []string{"!", "!!", "*", "*LOCKED*", "*LK*"} {
		a := account.Account{ID: "ann", Address: "ann@example.com", Credential: lock + hash, Resettable: true}
		if err := a.Allows(account.ScopeFirstPassword); err == nil {
			t.Errorf("%s: an invitation sets a first password", lock)
		}
	}
}
