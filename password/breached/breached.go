// Package breached recognizes passwords from data breaches. It queries the range API of Have I
// Been Pwned, or of a server with the same API. NIST SP 800-63B-4, section 3.1.1.2, requires
// the comparison of new passwords with such a list.
//
// The corpus is billions of SHA-1 hashes, too many to ship. The range API takes the first five
// of the 40 hex digits of a hash. It answers with the rest of every hash that begins so, one or
// two thousand of them, and this package compares. Nothing else of a password leaves the
// process, and no account does. Answers are padded, so that their size tells an observer of
// the encrypted traffic nothing about the query.
//
// The SHA-1 of the given bytes is compared. The corpus has the UTF-8 of passwords as people
// typed them, mostly in the composed form that a normalized password has too. One call for one
// spelling reveals least about it.
package breached

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/password"
)

// DefaultTimeout is how long a check may take from the first packet to the last. It is many
// times the need of the API, and short for a user who waits for a page.
const DefaultTimeout = 1500 * time.Millisecond

// ErrUnchecked means that the server gave no answer that can be relied on, so that nothing is
// known about the password. The wrapped error holds no part of a hash.
var ErrUnchecked = errors.New("the password could not be compared with data breaches")

// errAddress is fixed text, since an address may hold credentials.
var errAddress = errors.New("want a URL such as https://api.pwnedpasswords.com/range, https unless it is on this machine, and nothing after the path")

// Config is the configuration of a [Corpus].
type Config struct {
	// URL is that of the range API, without the five digits:
	// https://api.pwnedpasswords.com/range, or that of a mirror of one's own. It is
	// https, except on this machine.
	URL string
	// FailClosed refuses every password that cannot be checked. Otherwise it is taken, and
	// a warning is logged: the policy has judged it, and without the check people can still
	// reset.
	FailClosed bool
	// Timeout bounds a check as a whole; 0 is DefaultTimeout.
	Timeout time.Duration
	// Log takes the warnings about passwords that were taken unchecked, with their number
	// since the start and why, and no part of a hash.
	Log zerolog.Logger
}

// Corpus is a server of breached passwords. It keeps nothing of its queries, and is safe for
// concurrent use.
type Corpus struct {
	cfg       Config
	ranges    *url.URL
	http      *http.Client
	unchecked atomic.Uint64 // passwords taken without a check
}

// New returns a corpus. It makes no call.
func New(cfg Config) (*Corpus, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Hostname() == "" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}) || !loopback.Sealed(u) {
		return nil, errAddress
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	return &Corpus{cfg: cfg, ranges: u, http: newHTTP(cfg.Timeout)}, nil
}

// Check looks a normalized password up in the corpus; one occurrence is enough. The error is a
// [*password.Refusal] when it is. Without an answer it is nil or, with FailClosed or once the
// context has ended, wraps ErrUnchecked.
func (c *Corpus) Check(ctx context.Context, pw string) error {
	known, err := c.knows(ctx, pw)
	switch {
	case known:
		return refusal()
	case err == nil:
		return nil
	case c.cfg.FailClosed || ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrUnchecked, err)
	}
	c.cfg.Log.Warn().Uint64("unchecked", c.unchecked.Add(1)).Err(err).
		Msg("a password was accepted without the check for data breaches")
	return nil
}

func refusal() *password.Refusal {
	return &password.Refusal{
		Code:   password.Breached,
		Reason: "The password is known from a data breach, so it is among the first that an attacker tries.",
		Suggestions: []string{
			"Choose one that you use nowhere else; where you use this one, change it there too.",
			"A few words that do not belong together are easy to remember.",
		},
	}
}
