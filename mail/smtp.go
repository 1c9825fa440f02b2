package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/textproto"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security is how the connection to the mail server is protected.
type Security string

// The ways to protect a connection.
const (
	SecuritySTARTTLS Security = "starttls" // RFC 3207, required and verified
	SecurityTLS      Security = "tls"      // from the first byte, RFC 8314
	SecurityNone     Security = "none"     // to this machine only
)

// DefaultTimeout bounds each step of an SMTP conversation.
const DefaultTimeout = 30 * time.Second

// Config says which mail server takes our mails.
type Config struct {
	Host     string
	Port     int
	Security Security
	Username string // empty for a server that wants none
	Password string
	From     string // "Product <no-reply@example.com>" or an address
	// Timeout bounds each step of a conversation; 0 means DefaultTimeout.
	Timeout time.Duration
	// TLS overrides the verification of the server, for tests; nil means the
	// system's roots and at least TLS 1.2.
	TLS *tls.Config
}

// SMTP hands mails to a mail server, with a connection for each. It is safe for
// concurrent use.
type SMTP struct {
	config Config
	from   *mail.Address
}

// NewSMTP checks the configuration; it connects to nobody.
func NewSMTP(c Config) (*SMTP, error) {
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, errors.New("sender of mails: want name@example.com or Name <name@example.com>")
	}
	if c.Host == "" || c.Port < 1 || c.Port > 65535 {
		return nil, errors.New("mail server: want a host and a port from 1 to 65535")
	}
	switch c.Security {
	case SecuritySTARTTLS, SecurityTLS:
	case SecurityNone:
		if !isLoopback(c.Host) {
			return nil, fmt.Errorf("mail server %s: mails with links must not travel in clear: use starttls or tls", c.Host)
		}
	default:
		return nil, fmt.Errorf("security of the mail server: want starttls, tls or none, not %q", c.Security)
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	s := &SMTP{c, from}
	_, err = s.client()
	return s, err
}

// Send hands over one mail. The error is an [*Error]; when the context ends before the
// mail server is reached, the mail is Deferred.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return &Error{Deferred, replyCode(err), "connect"}
	}
	defer client.Close() // the mail is taken or not by now; QUIT changes nothing
	if err := client.Send(msg); err != nil && !msg.IsDelivered() {
		return outcome(err)
	}
	return nil
}

// Check says whether the mail server can be reached and takes our name and password.
func (s *SMTP) Check(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return &Error{Deferred, replyCode(err), "connect"}
	}
	return client.Close()
}

// outcome judges where a conversation ended. Only an answer about the recipient or the
// content is about this mail; any other is about us and our configuration.
func outcome(err error) error {
	var e *gomail.SendError
	if !errors.As(err, &e) {
		return &Error{Unknown, replyCode(err), "send"}
	}
	code := e.ErrorCode()
	switch e.Reason {
	case gomail.ErrSMTPRcptTo:
		return &Error{permanentIf(code), code, "recipient"}
	case gomail.ErrSMTPData:
		return &Error{permanentIf(code), code, "data"}
	case gomail.ErrSMTPDataClose:
		if code == 0 {
			return &Error{Unknown, code, "content"}
		}
		return &Error{permanentIf(code), code, "content"}
	case gomail.ErrSMTPMailFrom:
		return &Error{Deferred, code, "sender"}
	default:
		return &Error{Deferred, code, "send"}
	}
}

func permanentIf(code int) Outcome {
	if code >= 500 {
		return Refused
	}
	return Deferred
}

// replyCode is the SMTP reply code in an error, 0 when there is none.
func replyCode(err error) int {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}

func (s *SMTP) client() (*gomail.Client, error) {
	c := s.config
	options := []gomail.Option{
		gomail.WithPort(c.Port), gomail.WithTimeout(c.Timeout), gomail.WithoutNoop(), gomail.WithTLSConfig(s.tls()),
	}
	switch c.Security {
	case SecurityTLS:
		options = append(options, gomail.WithSSL())
	case SecuritySTARTTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case SecurityNone:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if c.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(c.Username), gomail.WithPassword(c.Password))
	}
	return gomail.NewClient(c.Host, options...)
}

func (s *SMTP) tls() *tls.Config {
	if s.config.TLS != nil {
		return s.config.TLS.Clone()
	}
	return &tls.Config{ServerName: s.config.Host, MinVersion: tls.VersionTLS12}
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
