package mail

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// Security is how the connection to the mail server is protected.
type Security string

// The ways to protect a connection.
const (
	SecuritySTARTTLS Security = "starttls" // required, never only tried (RFC 3207)
	SecurityTLS      Security = "tls"      // from the first byte (RFC 8314)
	SecurityNone     Security = "none"     // to this machine only
)

// DefaultTimeout is patient with a mail server that scans a mail before it replies: who
// hangs up too early sends the mail again (RFC 5321 section 4.5.3.2.6).
const DefaultTimeout = time.Minute

// Config says which mail server takes our mails.
type Config struct {
	Host     string
	Port     int
	Security Security
	Username string // empty for a mail server that wants no login
	Password string
	From     string // name@example.com or Name <name@example.com>
	// Timeout bounds one conversation, from the connection to the last reply; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// Roots are the authorities that the mail server's certificate is judged by; nil
	// means the system's.
	Roots *x509.CertPool
}

// SMTP hands mails to a mail server, each in a conversation of its own. It is safe for
// concurrent use.
type SMTP struct {
	config Config
	from   *mail.Address
}

// NewSMTP checks the configuration. It connects to nobody; Check does.
func NewSMTP(c Config) (*SMTP, error) {
	from, err := mail.ParseAddress(c.From)
	if err != nil || !isASCII(from.Address) {
		return nil, errors.New("sender of mails: want name@example.com or Name <name@example.com>")
	}
	if c.Host == "" || c.Port < 1 || c.Port > 65535 || c.Timeout < 0 {
		return nil, errors.New("mail server: want a host, a port from 1 to 65535 and no negative timeout")
	}
	switch c.Security {
	case SecuritySTARTTLS, SecurityTLS:
	case SecurityNone:
		if !loopback.Is(c.Host) {
			return nil, fmt.Errorf("mail server %s: a mail holds a link and must not travel in clear: use starttls or tls", c.Host)
		}
	default:
		return nil, fmt.Errorf("security of the mail server: want starttls, tls or none, not %q", c.Security)
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return &SMTP{c, from}, nil
}
