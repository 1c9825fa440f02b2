package inbox

import (
	"errors"
	"io"
	"log"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// largest is the size of the largest mail taken, in bytes.
const largest = 10 << 20

func (i *Inbox) mailServer() *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{inbox: i, conn: c}, nil
	}))
	s.Domain = "localhost"
	s.MaxMessageBytes = largest
	s.MaxRecipients = 100
	s.ReadTimeout = time.Minute
	s.WriteTimeout = time.Minute
	s.EnableSMTPUTF8 = true
	s.AllowInsecureAuth = true // on loopback
	// It would log the connections that a fault cut on purpose.
	s.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// session is one connection of a mail client.
type session struct {
	inbox *Inbox
	conn  *smtp.Conn
	from  string
	to    []string
}

// AuthMechanisms offers a login; any is taken.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements [smtp.AuthSession].
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, _ string) error { return s.answer(s.inbox.fault.of(Login, Message{})) }), nil
}

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return s.answer(s.inbox.fault.of(Sender, Message{ReturnPath: from}))
}

// Rcpt adds a recipient; any is taken.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if fault := s.inbox.fault.of(Recipient, Message{ReturnPath: s.from, Recipients: []string{to}}); fault != nil {
		return s.answer(fault)
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes the mail.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m := parse(s.from, s.to, raw)
	fault := s.inbox.fault.of(Content, m)
	if fault == nil || errors.Is(fault, ErrLost) {
		s.inbox.box.add(m)
	}
	return s.answer(fault)
}

// answer executes a fault: an answer or none.
func (s *session) answer(fault error) error {
	if errors.Is(fault, ErrHang) {
		<-s.inbox.closing.Done()
	}
	if errors.Is(fault, ErrLost) || errors.Is(fault, ErrDropped) || errors.Is(fault, ErrHang) {
		return s.conn.Conn().Close()
	}
	return fault
}

// Reset forgets a mail that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *session) Logout() error { return nil }
