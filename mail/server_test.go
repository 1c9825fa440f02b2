package mail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/rekeyhq/rekey/mail"
)

// script is how a mail server misbehaves; nil goes well.
type script struct {
	hello, sender, recipient func(*smtp.Conn) error
	data                     func(*smtp.Conn) error // before the content is read
	content                  func(c *smtp.Conn, mail string) error
	starttls, tls            bool                    // offered
	ascii, utf8              bool                    // SMTPUTF8 is not offered; must be requested
	auth                     bool                    // offered, for owner and secret
	bearer                   func(token string) bool // offered, for tokens that it takes
}

// server is a real mail server on loopback that follows a script.
type server struct {
	script
	mails chan string   // accepted mails, header and body
	gone  chan struct{} // a conversation's connection is closed
	to    chan string
	from  chan string
	names chan string // that it was greeted with, before each sender
}

// serve starts a mail server and returns the configuration that reaches it.
func serve(t *testing.T, s script) (*server, mail.Config) {
	t.Helper()
	srv := &server{s, make(chan string, 16), make(chan struct{}, 16), make(chan string, 16), make(chan string, 16), make(chan string, 16)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	certificate, roots := certificate(t)
	backend := smtp.NewServer(srv)
	backend.AllowInsecureAuth, backend.EnableSMTPUTF8, backend.ErrorLog = true, !s.ascii, quiet{}
	config := mail.Config{
		Host: "127.0.0.1", Port: port, Security: mail.SecurityNone,
		From: "Acme <no-reply@example.com>", Timeout: 20 * time.Second, Roots: roots,
	}
	switch encryption := (&tls.Config{Certificates: []tls.Certificate{certificate}}); {
	case s.starttls:
		backend.TLSConfig, config.Security = encryption, mail.SecuritySTARTTLS
	case s.tls:
		listener, config.Security = tls.NewListener(listener, encryption), mail.SecurityTLS
	}
	if s.auth {
		config.Username, config.Password = "owner", "secret"
	}
	go backend.Serve(listener)
	t.Cleanup(func() { backend.Close() })
	return srv, config
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// certificate is for 127.0.0.1 and not for localhost.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s.TLS.Certificates[0], roots
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	if s.hello != nil {
		if err := s.hello(c); err != nil {
			return nil, err
		}
	}
	plain := session{s, c}
	if s.bearer != nil {
		return bearerSession{plain}, nil
	}
	if s.auth {
		return authSession{plain}, nil
	}
	return plain, nil
}

type session struct {
	*server
	conn *smtp.Conn
}

func (s session) Reset() {}

func (s session) Logout() error {
	s.gone <- struct{}{}
	return nil
}

func (s session) Mail(from string, options *smtp.MailOptions) error {
	s.from <- from
	s.names <- s.conn.Hostname()
	if options.UTF8 != s.utf8 {
		return errors.New("a relay behind this server lacks SMTPUTF8, or the mail needs it")
	}
	return follow(s.sender, s.conn)
}

func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to <- to
	return follow(s.recipient, s.conn)
}

func (s session) Data(r io.Reader) error {
	if err := follow(s.data, s.conn); err != nil {
		return err
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.content != nil {
		if err := s.content(s.conn, string(b)); err != nil {
			return err
		}
	}
	s.mails <- string(b)
	return nil
}

func follow(step func(*smtp.Conn) error, c *smtp.Conn) error {
	if step == nil {
		return nil
	}
	return step(c)
}

// authSession wants a login before a mail.
type authSession struct{ session }

func (s authSession) AuthMechanisms() []string { return []string{"NTLM", "CRAM-MD5", sasl.Plain} }

func (s authSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if username != "owner" || password != "secret" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

// bearerSession wants an access token before a mail (XOAUTH2).
type bearerSession struct{ session }

func (s bearerSession) AuthMechanisms() []string { return []string{"XOAUTH2"} }

func (s bearerSession) Auth(string) (sasl.Server, error) { return &xoauth2{takes: s.bearer}, nil }

// xoauth2 is the server's part of XOAUTH2. It explains a refusal in a challenge, which the
// client answers with nothing.
type xoauth2 struct {
	takes   func(string) bool
	refused bool
}

func (x *xoauth2) Next(response []byte) ([]byte, bool, error) {
	token, ours := strings.CutPrefix(string(response), "user=no-reply@example.com\x01auth=Bearer ")
	token, ends := strings.CutSuffix(token, "\x01\x01")
	switch {
	case x.refused:
		return nil, false, smtp.ErrAuthFailed
	case ours && ends && x.takes(token):
		return nil, true, nil
	default:
		x.refused = true
		return []byte(`{"status":"400","schemes":"Bearer"}`), false, nil
	}
}

// replies is a step that replies so.
func replies(code int, text ...string) func(*smtp.Conn) error {
	return func(*smtp.Conn) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: strings.Join(text, "\n")}
	}
}

// drops is a step that closes the connection instead of replying.
func drops(c *smtp.Conn) error { return c.Conn().Close() }

// hangs is a step that says nothing until the client hangs up.
func hangs(c *smtp.Conn) error {
	_, err := io.Copy(io.Discard, c.Conn())
	return err
}

// after is a step at the end of the content.
func after(step func(*smtp.Conn) error) func(*smtp.Conn, string) error {
	return func(c *smtp.Conn, _ string) error { return step(c) }
}

// recite starts a mail server that gives one reply after the other, whatever it receives.
// Unlike go-smtp it can refuse to greet, and refuse the DATA command.
func recite(t *testing.T, replies ...string) mail.Config {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for lines := bufio.NewScanner(conn); len(replies) > 0; replies = replies[1:] {
			fmt.Fprintf(conn, "%s\r\n", replies[0])
			lines.Scan()
		}
	}()
	return mail.Config{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port,
		Security: mail.SecurityNone, From: "no-reply@example.com",
	}
}
