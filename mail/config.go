package mail

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"strings"
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

// DefaultTimeout is the sum of the times that a mail server may take for each step.
const DefaultTimeout = 15 * time.Minute

// waits are how long a mail server may take. RFC 5321 section 4.5.3.2 has minutes for each
// step. Before the end of the content a mail was surely not taken, and an early end costs
// another attempt only. So a minute is enough, and frees the resources that a hanging server
// holds.
type waits struct {
	reply   time.Duration // for the way to and through the login, and for each reply up to the content
	last    time.Duration // for the reply to the content (section 4.5.3.2.6)
	goodbye time.Duration
}

func standardWaits() waits { return waits{time.Minute, 10 * time.Minute, 5 * time.Second} }

// Config is the mail server for rekey's mails.
type Config struct {
	Host     string
	Port     int
	Security Security
	Username string // empty for a mail server that wants no login
	Password string
	// OAuth is where an access token is had, which replaces the password; nil for none.
	OAuth *OAuth
	From  string // name@example.com or Name <name@example.com>
	// Hello is rekey's name in the greeting: a full name, or an IP address. Empty means the
	// domain of From. Many mail servers refuse the short name of a host.
	Hello string
	// Timeout bounds one conversation, from the connection to the last reply; 0 means
	// DefaultTimeout. Each step has a shorter time of its own.
	Timeout time.Duration
	// Roots are the authorities that the mail server's certificate is judged by; nil
	// means the system's.
	Roots *x509.CertPool
	// Watch gets the lines of each conversation, without the content and without secrets; nil for
	// none. "C: " or "S: " says whose they are.
	Watch func(line string)
}

// SMTP hands mails to a mail server, each in a conversation of its own. It is safe for
// concurrent use.
type SMTP struct {
	config Config
	from   *mail.Address
	hello  string
	waits  waits
	tokens *tokens // nil for a login by password, or none
}

// NewSMTP checks the configuration. It opens no connection; Check does.
func NewSMTP(c Config) (*SMTP, error) {
	from, err := sender(c.From)
	if err != nil {
		return nil, err
	}
	if c.Host == "" || c.Port < 1 || c.Port > 65535 || c.Timeout < 0 {
		return nil, errors.New("mail server: want a host, a port from 1 to 65535 and no negative timeout")
	}
	if err := c.encrypts(); err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	hello, err := helloName(cmp.Or(c.Hello, domain))
	if err != nil {
		return nil, err
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	s := &SMTP{config: c, from: from, hello: hello, waits: standardWaits()}
	if c.OAuth == nil {
		return s, nil
	}
	if c.Username == "" || c.Password != "" {
		return nil, errors.New("access to the mail server by a token: want a user name and no password")
	}
	s.tokens, err = newTokens(c.OAuth)
	return s, err
}

func (c Config) encrypts() error {
	switch c.Security {
	case SecuritySTARTTLS, SecurityTLS:
	case SecurityNone:
		if !loopback.Is(c.Host) {
			return fmt.Errorf("mail server %s: a link in a mail needs encryption: use starttls or tls", c.Host)
		}
	default:
		return fmt.Errorf("security of the mail server: want starttls, tls or none, not %q", c.Security)
	}
	return nil
}
