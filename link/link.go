// Package link makes and opens the links that are mailed.
//
// A link holds a token: a few facts about its run, sealed with AEAD under 192 random
// bits of nonce (XAES-256-GCM), so that nobody can guess or alter one and a forged one
// is refused without asking anybody. Opening a token is a filter only. Whether it still
// counts is decided by the record of its digest in the account store, so whoever steals
// the key can make tokens that open and do nothing.
//
// What a token is for (reset or cancel), the base URL and the Temporal namespace are
// bound to it as associated data: a token of a staging system is no token in production.
package link

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Purpose is what a link may do.
type Purpose string

// The purposes of the two links of a mail.
const (
	Reset  Purpose = "reset"  // sets a new password
	Cancel Purpose = "cancel" // calls the reset off: "this wasn't me"
)

// Bounds on the length of a token's text. Longer ones are refused unread.
const (
	minText = 60
	maxText = 600
)

// ErrInvalid means that a text is no token of ours, or one for something else. It says
// no more on purpose.
var ErrInvalid = errors.New("the link is not valid")

// Box seals and opens tokens. It is safe for concurrent use.
type Box struct {
	aead    tink.AEAD
	base    string
	context map[Purpose][]byte
}

// New returns a Box for links below a base URL: an absolute http or https URL, whose
// path may be that of a folder.
func New(aead tink.AEAD, baseURL, namespace string) (*Box, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" ||
		base.User != nil || base.RawQuery != "" || base.ForceQuery || base.Fragment != "" {
		return nil, errors.New("base URL: want http(s)://host/path without user, query or fragment")
	}
	b := &Box{aead: aead, base: base.String(), context: map[Purpose][]byte{}}
	for _, p := range []Purpose{Reset, Cancel} {
		b.context[p] = bind("rekey/v1", string(p), b.base, namespace)
	}
	return b, nil
}

// bind joins parts so that no two lists of parts make the same bytes.
func bind(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// Seal makes a token. Each call makes another one, also for the same claims.
func (b *Box) Seal(p Purpose, c Claims) (Token, error) {
	context, ok := b.context[p]
	if !ok {
		return Token{}, fmt.Errorf("seal a link: no purpose %q", p)
	}
	plain, err := c.encode()
	if err != nil {
		return Token{}, fmt.Errorf("seal a link: %w", err)
	}
	sealed, err := b.aead.Encrypt(plain, context)
	if err != nil {
		return Token{}, fmt.Errorf("seal a link: %w", err)
	}
	t := Token{sealed}
	if n := len(t.Text()); n > maxText {
		return Token{}, fmt.Errorf("seal a link: %d characters, more than %d", n, maxText)
	}
	return t, nil
}

// Open reads a token's text. All that is wrong with one is ErrInvalid; that it has
// expired is not judged here (see [Claims.Expired]).
//
// One token has one text (strict base64url, RFC 4648 section 5, without padding), so
// that no second spelling escapes a comparison.
func (b *Box) Open(p Purpose, text string) (Claims, Token, error) {
	context, ok := b.context[p]
	if !ok || len(text) < minText || len(text) > maxText || strings.ContainsAny(text, "\r\n") {
		return Claims{}, Token{}, ErrInvalid
	}
	sealed, err := encoding.DecodeString(text)
	if err != nil {
		return Claims{}, Token{}, ErrInvalid
	}
	plain, err := b.aead.Decrypt(sealed, context)
	if err != nil {
		return Claims{}, Token{}, ErrInvalid
	}
	c, err := decode(plain)
	if err != nil {
		return Claims{}, Token{}, ErrInvalid
	}
	return c, Token{sealed}, nil
}

// encoding refuses bits that the last character would otherwise ignore.
var encoding = base64.RawURLEncoding.Strict()

// URL is where a mail points.
func (b *Box) URL(p Purpose, t Token) string {
	path := "/account/change-password/"
	if p == Cancel {
		path = "/account/cancel-reset/"
	}
	return b.base + path + t.Text()
}

// Expired reports whether a link has ended, allowing for clocks that differ by skew.
func (c Claims) Expired(now time.Time, skew time.Duration) bool {
	return now.After(c.Expires.Add(skew))
}
