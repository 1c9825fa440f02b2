package link

import (
	"crypto/sha256"
	"fmt"

	"github.com/rekeyhq/rekey/account"
)

// Token is the secret of a link. It prints and marshals as "[token]", so that it
// reaches no log and no payload by accident; [Token.Text] is the one way out. It is safe
// for concurrent use.
//
// The bytes sit behind a function. Package fmt walks through the unexported fields of a
// caller's struct without calling their methods, and stops at functions.
type Token struct{ bytes func() []byte }

const redacted = "[token]"

func newToken(sealed []byte) Token { return Token{func() []byte { return sealed }} }

// secret is nil for the zero Token, which belongs to no link.
func (t Token) secret() []byte {
	if t.bytes == nil {
		return nil
	}
	return t.bytes()
}

// Text is the token as it stands in a URL, and nowhere else: base64url without padding
// (RFC 4648 section 5).
func (t Token) Text() string { return encoding.EncodeToString(t.secret()) }

// Digest is the SHA-256 of a token's bytes. A submission carries it instead of the token.
type Digest [32]byte

// Digest returns the digest of the token.
func (t Token) Digest() Digest { return sha256.Sum256(t.secret()) }

// RecordKey returns the key under which the store keeps the token's record.
func (d Digest) RecordKey() account.RecordKey { return sha256.Sum256(d[:]) }

// String returns "[token]".
func (Token) String() string { return redacted }

// GoString returns "[token]".
func (Token) GoString() string { return redacted }

// Format prints "[token]" for every verb, %x too.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText returns "[token]"; JSON, XML and structured logs use it.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
