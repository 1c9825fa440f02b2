package password

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ErrUnsupported means that a stored hash is of a format, or of costs, that no [Hasher] of
// this package makes.
var ErrUnsupported = errors.New("unsupported form of hash")

// The beginnings of stored hashes whose format can be made: that of bcrypt has its letter.
var (
	argonCosts  = regexp.MustCompile(`^\$argon2id\$v=19\$m=([0-9]{1,9}),t=([0-9]{1,9}),p=([0-9]{1,3})\$`)
	bcryptStart = regexp.MustCompile(`^\$2([aby])\$(?:([0-9]{2})\$)?`)
)

// Like returns a Hasher whose hashes have the format, letter and costs of a stored one, so that
// its readers read them. Unreadable costs of Argon2id and bcrypt become the defaults: such a hash
// is damaged, or a test's. The error is ErrUnsupported.
//
// The formats are Argon2id in PHC format, bcrypt, and what these libraries write: PBKDF2 and scrypt
// of Django and Werkzeug, PBKDF2 of passlib and ASP.NET Core Identity, scrypt of better-auth and
// Spring Security, and the prefixes of Django, Spring Security and WordPress. Fast hashes, such as
// MD5, SHA-1 and phpass, are never made.
func Like(stored string) (Hasher, error) {
	if with, rest := cutPrefix(stored); with != nil {
		inner, err := Like(rest)
		if err != nil {
			return nil, err
		}
		if p, ok := inner.(Params); ok {
			inner = p.withDefaults() // a link says them
		}
		return prefixed{with, inner}, nil
	}
	if s, _, ok := readSpelled(stored); ok {
		return s, nil
	}
	return likePlain(stored)
}

// likePlain is Like for Argon2id and bcrypt.
func likePlain(stored string) (Hasher, error) {
	var like Hasher
	if found := bcryptStart.FindStringSubmatch(stored); found != nil {
		cost, _ := strconv.Atoi(found[2]) // two digits, or none
		like = Bcrypt{Cost: cost, Letter: found[1][0]}
	} else if strings.HasPrefix(stored, "$argon2id$") {
		if found := argonCosts.FindStringSubmatch(stored); found != nil {
			return Parse(strings.Join(found[1:], ","))
		}
		like = Params{}
	}
	if like == nil || like.Check() != nil {
		return nil, ErrUnsupported
	}
	return like, nil
}

// Text is a [Hasher] of this package for [Parse], in a few characters: it is part of mailed
// links. It is empty for Params without costs and for any other Hasher, which leaves the choice
// to the reader.
func Text(h Hasher) string {
	switch h := h.(type) {
	case Params:
		if h == (Params{}) {
			return ""
		}
		h = h.withDefaults()
		return fmt.Sprintf("%d,%d,%d", h.Memory, h.Time, h.Threads)
	case Bcrypt:
		return fmt.Sprintf("2%c%02d", h.letter(), h.cost())
	case prefixed:
		return h.with.name + ":" + Text(h.Hasher)
	case spelled:
		return h.text()
	default:
		return ""
	}
}

// Parse reads the output of [Text]. Other text, and costs that [Hasher].Check refuses, are
// ErrUnsupported.
func Parse(text string) (Hasher, error) {
	if strings.Contains(text, ":") {
		h, ok := parsePrefixed(text)
		if !ok {
			h, ok = parseSpelled(text)
		}
		if !ok {
			return nil, ErrUnsupported
		}
		return parsed(h, text)
	}
	var p Params
	var b Bcrypt
	if n, _ := fmt.Sscanf(text, "2%c%d", &b.Letter, &b.Cost); n == 2 && !strings.Contains(text, ",") {
		return parsed(b, text)
	}
	if n, _ := fmt.Sscanf(text, "%d,%d,%d", &p.Memory, &p.Time, &p.Threads); n != 3 || !p.affordable() {
		return nil, ErrUnsupported // a zero would mean the default
	}
	return parsed(p, text)
}

// parsed is strict where scanning is lenient.
func parsed(h Hasher, text string) (Hasher, error) {
	if h.Check() != nil || Text(h) != text {
		return nil, ErrUnsupported
	}
	return h, nil
}
