package link

import (
	"crypto/sha256"
	"fmt"
)

// Token is the secret of a link. It prints as "[token]" and marshals as that too, so
// that it reaches no log and no payload by accident; [Token.Text] is the one way out.
type Token struct{ sealed []byte }

const redacted = "[token]"

// Text is the token as it stands in a URL, and nowhere else.
func (t Token) Text() string { return encoding.EncodeToString(t.sealed) }

// Digest is the SHA-256 of the token's bytes: what a submission carries.
func (t Token) Digest() [32]byte { return sha256.Sum256(t.sealed) }

// RecordKey is under what the store keeps a token's record: the hash of its digest,
// that is SHA-256(SHA-256(token)). Who reads the store can make neither the token nor
// a submission.
func RecordKey(digest [32]byte) [32]byte { return sha256.Sum256(digest[:]) }

// String, GoString, Format and MarshalText keep the token out of all output.
func (Token) String() string { return redacted }

// GoString keeps the token out of %#v.
func (Token) GoString() string { return redacted }

// Format keeps the token out of every verb, %x too.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText keeps the token out of JSON and logs.
func (Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }
