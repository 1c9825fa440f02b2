// Package link makes and opens the links that are mailed.
//
// A link holds a token: a few facts about its run, sealed with AEAD under 192 random bits of
// nonce (XAES-256-GCM). So no attacker can guess or alter one, and a forged one is refused in
// microseconds without a call.
//
// Opening a token is a filter only. The record of its digest in the account store decides
// whether it still counts. So a thief of the key can make tokens that open and change no
// password. With a run's IDs too, which are in clear in Temporal, the thief can cancel that
// reset with one.
//
// A token's purpose (reset or cancel), the base URL and the Temporal namespace are bound to it
// as associated data. A token of a staging system is no token in production, and a cancel link
// cannot reset. A link of one flow is none of another.
package link

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// Purpose is what a link may do.
type Purpose string

// The purposes of the links of a password reset, see [Links].
const (
	Reset  Purpose = "reset"
	Cancel Purpose = "cancel"
	Follow Purpose = "follow"
)

// Links are the purposes of the links of a flow: of the two in a mail, and of the page that waits.
type Links struct {
	Use    Purpose // submits, such as a new password
	Cancel Purpose // calls the run off: "this wasn't me"
	Follow Purpose // shows the outcome of a submission, and does nothing
}

// Of returns the purposes of the links of a flow, by its kind (flow.Definition).
func Of(kind string) Links {
	if kind == "reset" {
		return Links{Reset, Cancel, Follow}
	}
	return Links{Purpose(kind), Purpose(kind + "/cancel"), Purpose(kind + "/follow")}
}

// Page is where the links of a purpose lead, below the base URL. The token follows the path.
type Page struct {
	Purpose Purpose
	Path    string
}

// pages are those of the flows of rekey.
var pages = []Page{
	{Reset, "/account/change-password/"},
	{Cancel, "/account/cancel-reset/"},
	{Follow, "/account/password-pending/"},
	{"invitation", "/account/accept-invitation/"},
	{"invitation/cancel", "/account/decline-invitation/"},
	{"invitation/follow", "/account/invitation-pending/"},
	{"forced-reset", "/account/renew-password/"},
	{"forced-reset/follow", "/account/renew-pending/"},
}

// Bounds on the length of a token's text, and of the text behind one. A text outside them is
// refused unread.
const (
	minText = 60
	maxText = 600
	maxTail = 100
)

// ErrInvalid means that a text is no token of rekey, or one for another purpose. It says no
// more on purpose.
var ErrInvalid = errors.New("the link is not valid")

var encoding = base64.RawURLEncoding

// Box seals and opens tokens. It is safe for concurrent use.
type Box struct {
	aead  tink.AEAD
	kinds map[Purpose]kind
	bound func(Purpose) []byte
}

// kind is common to links of one purpose.
type kind struct {
	url   string // all but the token
	bound []byte // the associated data
}

// New returns a Box for links below a base URL: those of the flows of rekey, and of further pages.
// All processes must be given the same base URL and namespace.
func New(aead tink.AEAD, baseURL BaseURL, namespace string, further ...Page) (*Box, error) {
	base := baseURL.String()
	if base == "" {
		return nil, errors.New("base URL: none is set, see link.ParseBaseURL")
	}
	if err := CheckPages(further...); err != nil {
		return nil, err
	}
	bound := func(p Purpose) []byte { return bind("rekey/v1", string(p), base, namespace) }
	kinds := map[Purpose]kind{}
	for _, p := range slices.Concat(pages, further) {
		if _, twice := kinds[p.Purpose]; twice {
			return nil, fmt.Errorf("links of purpose %q lead to two pages", p.Purpose)
		}
		kinds[p.Purpose] = kind{base + p.Path, bound(p.Purpose)}
	}
	return &Box{aead, kinds, bound}, nil
}

// CheckPages returns an error when a token cannot follow a path.
func CheckPages(pages ...Page) error {
	for _, p := range pages {
		if !strings.HasPrefix(p.Path, "/") || !strings.HasSuffix(p.Path, "/") {
			return fmt.Errorf("page of links: want a path such as /account/verify-email/, not %q", p.Path)
		}
	}
	return nil
}

// Has reports whether links of a purpose lead somewhere.
func (b *Box) Has(p Purpose) bool { return b.kinds[p].url != "" }

// Knowing is a Box that also seals and opens tokens of further purposes, without pages. A starter
// needs no more of a flow of one's own: its worker makes the mails. It is nil for a nil Box.
func (b *Box) Knowing(l Links) *Box {
	if b == nil {
		return nil
	}
	kinds := maps.Clone(b.kinds)
	for _, p := range []Purpose{l.Use, l.Cancel, l.Follow} {
		if _, ok := kinds[p]; !ok {
			kinds[p] = kind{bound: b.bound(p)}
		}
	}
	return &Box{b.aead, kinds, b.bound}
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

// draws bounds how often Seal begins anew. One token in 32 ends badly, at some lengths.
const draws = 20

// Seal makes a token. Each call makes another one, also for the same claims. Its text ends with
// a letter or a digit. Programs that make links of plain text leave out other characters at the
// end.
func (b *Box) Seal(p Purpose, c Claims) (Token, error) {
	k, ok := b.kinds[p]
	if !ok {
		return Token{}, fmt.Errorf("seal a link: no purpose %q", p)
	}
	plain, err := c.encode()
	if err != nil {
		return Token{}, fmt.Errorf("seal a link: %w", err)
	}
	for range draws {
		sealed, err := b.aead.Encrypt(plain, k.bound)
		if err != nil {
			return Token{}, fmt.Errorf("seal a link: %w", err)
		}
		text := encoding.EncodeToString(sealed)
		switch {
		case len(text) > maxText:
			return Token{}, fmt.Errorf("seal a link: %d characters, more than %d", len(text), maxText)
		case !strings.HasSuffix(text, "-") && !strings.HasSuffix(text, "_"):
			return newToken(sealed), nil
		}
	}
	return Token{}, errors.New("seal a link: the key draws the same nonces")
}

// Open reads a token's text, as far as it can be one. It ignores the slash, the bracket or the
// full stop that another program took for the end of a link. The token is the same as without
// it. Every other fault of a text is ErrInvalid. Expiry is not judged here (see
// [Claims.Expired]).
func (b *Box) Open(p Purpose, text string) (Claims, Token, error) {
	k, ok := b.kinds[p]
	if !ok || len(text) > maxText+maxTail {
		return Claims{}, Token{}, ErrInvalid
	}
	if end := strings.IndexFunc(text, foreign); end >= 0 {
		text = text[:end]
	}
	if len(text) < minText || len(text) > maxText {
		return Claims{}, Token{}, ErrInvalid
	}
	sealed, err := encoding.DecodeString(text)
	// The decoder ignores the last bits. The text of a token has one spelling, so that no
	// second one slips past a limit or a comparison.
	var again [maxText]byte
	if err != nil || string(encoding.AppendEncode(again[:0], sealed)) != text {
		return Claims{}, Token{}, ErrInvalid
	}
	plain, err := b.aead.Decrypt(sealed, k.bound)
	if err != nil {
		return Claims{}, Token{}, ErrInvalid
	}
	c, err := decode(plain)
	if err != nil {
		return Claims{}, Token{}, ErrInvalid
	}
	return c, newToken(sealed), nil
}

// foreign reports a character that no token has (RFC 4648 section 5).
func foreign(r rune) bool {
	return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// URL is the link of a mail: below the configured base URL, never below that of a request.
func (b *Box) URL(p Purpose, t Token) string { return b.kinds[p].url + t.Text() }
