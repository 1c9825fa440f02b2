// Package bearer knows the holders of secrets by the bearer credential of their requests
// (RFC 6750, section 2.1).
package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// MinLength is the least number of characters of a secret: 128 bits in hex.
const MinLength = 32

// Errors of secrets.
var (
	// ErrShort means that a secret could be guessed.
	ErrShort = errors.New("the secret is too short: make one with `openssl rand -hex 32`")
	// ErrNone means that a file has no secret.
	ErrNone = errors.New("no secret is there: make one with `openssl rand -hex 32`")
	// ErrCharacters means that no request can carry a secret.
	ErrCharacters = errors.New("the secret has characters that no bearer has: make one with `openssl rand -hex 32`")
)

// Secrets are kept and compared as their digests, so that neither their content nor their length
// shows in the time of a comparison. They are safe for concurrent use.
type Secrets [][sha256.Size]byte

// New returns one secret. Errors: ErrShort.
func New(text string) (Secrets, error) {
	if len(text) < MinLength {
		return nil, ErrShort
	}
	return Secrets{sha256.Sum256([]byte(text))}, nil
}

// credential is the syntax of a bearer, b64token of RFC 6750, section 2.1.
var credential = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Lines returns the secrets of a file, one a line: the present one, and another one while they are
// exchanged. An error names the line and nothing of it. Errors: ErrNone, ErrShort, ErrCharacters.
func Lines(text string) (all Secrets, err error) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		one, err := New(line)
		if !credential.MatchString(line) {
			err = ErrCharacters
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, one...)
	}
	if len(all) == 0 {
		return nil, ErrNone
	}
	return all, nil
}

// Which is the number of the secret that a text is, counted from 1, and 0 for another text. It
// compares all of them, so that its time tells nothing.
func (s Secrets) Which(text string) (number int) {
	digest := sha256.Sum256([]byte(text))
	for i, one := range s {
		number = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], one[:]), i+1, number)
	}
	return number
}

// Presented is [Secrets.Which] of the request's bearer, and 0 for a request that has not exactly
// one.
func (s Secrets) Presented(r *http.Request) int {
	text, ok := Of(r)
	if number := s.Which(text); ok {
		return number
	}
	return 0
}

// Of is the credential of a request that has exactly one.
func Of(r *http.Request) (string, bool) {
	lines := r.Header.Values("Authorization")
	if len(lines) != 1 {
		return "", false
	}
	scheme, text, ok := strings.Cut(lines[0], " ")
	return text, ok && strings.EqualFold(scheme, "Bearer")
}
