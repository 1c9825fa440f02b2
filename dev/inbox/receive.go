package inbox

import (
	"errors"
	"io"
	"log"
	"time"

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
	// It would tell of the connections that a fault cut on purpose.
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

// Mail begins a mail.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt adds a recipient; any is taken.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data takes the mail, or does with it what a fault wants.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m := parse(s.from, s.to, raw)
	err = s.inbox.fault.of(m)
	if err == nil || errors.Is(err, ErrLost) {
		s.inbox.box.add(m)
	}
	if errors.Is(err, ErrHang) {
		<-s.inbox.closing.Done()
	}
	if errors.Is(err, ErrLost) || errors.Is(err, ErrDropped) || errors.Is(err, ErrHang) {
		return s.conn.Conn().Close()
	}
	return err
}

// Reset forgets a mail that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout ends the session.
func (s *session) Logout() error { return nil }
