package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Send hands over one mail. Its error is an [*Error]. The end of ctx cuts the connection; the
// outcome is then the last known one.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.from, m)
	if err != nil {
		return err
	}
	return s.converse(ctx, func(t *talk) error { return t.send(msg) })
}

// Check says whether the mail server can be reached, proves its identity, takes rekey's name,
// login and sender. It names no recipient: every half a minute that would look like a search
// for addresses. Its error is an [*Error].
func (s *SMTP) Check(ctx context.Context) error {
	return s.converse(ctx, func(t *talk) error {
		if err := t.heard(t.Mail("<" + s.from.Address + ">")); err != nil {
			return failed(stepSender, err, "")
		}
		_ = t.Reset()
		return nil
	})
}

// converse connects, talks and says goodbye. A refused access token may have been revoked, so
// there is one more attempt with another.
func (s *SMTP) converse(ctx context.Context, do func(*talk) error) error {
	ctx, hangUp := context.WithTimeout(ctx, s.config.Timeout)
	defer hangUp()
	t, err := s.connect(ctx)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == refusedLogin && s.tokens != nil {
		t, err = s.connect(ctx)
	}
	if err != nil {
		return err
	}
	defer func() {
		t.within(s.waits.goodbye)
		_ = t.Quit() // the mail is taken or not by now; QUIT is courtesy
		_ = t.conn.Close()
	}()
	return do(t)
}

// talk is one conversation with the mail server.
type talk struct {
	*smtp.Client
	conn  net.Conn
	waits waits
	heard func(error) error // passes an error on
}

// within bounds the next step. The connection is closed when the context of the conversation
// ends, so none is bound by this alone.
func (t *talk) within(d time.Duration) { _ = t.conn.SetDeadline(time.Now().Add(d)) }

// send names the recipient of the mail and hands it over. Only the last reply says that it is
// taken, and it is waited for longest: a client that hangs up before sends the mail again.
func (t *talk) send(msg *gomail.Msg) error {
	t.within(t.waits.reply)
	from, fromErr := msg.GetSender(false)
	to, toErr := msg.GetRecipients()
	if errors.Join(fromErr, toErr) != nil || len(to) != 1 {
		return &Error{Outcome: Refused, Step: stepAddress}
	}
	if err := t.spell(to[0]); err != nil {
		return err
	}
	if err := t.heard(t.Mail(from)); err != nil {
		return failed(stepSender, err, "")
	}
	t.within(t.waits.reply)
	if err := t.heard(t.Rcpt(to[0])); err != nil {
		return judge(stepRecipient, err)
	}
	t.within(t.waits.reply)
	content, err := t.Data()
	if t.heard(err) != nil {
		return judge(stepData, err)
	}
	t.within(t.waits.reply)
	if _, err := msg.WriteTo(content); err != nil {
		return failed(stepContent, nil, "") // without the final dot nothing is taken
	}
	t.within(t.waits.last)
	if err := t.heard(content.Close()); err != nil {
		return judge(stepContent, err)
	}
	return nil
}

// spell requests SMTPUTF8 (RFC 6531) only where an address has letters beyond ASCII. A relay
// behind the mail server may lack it and would bounce the mail. A mail server that does not
// offer it never takes such a mail.
func (t *talk) spell(to string) error {
	if isASCII(to) {
		return nil
	}
	if offered, _ := t.Extension("SMTPUTF8"); !offered {
		return &Error{Outcome: Refused, Step: stepRecipient, Cause: "the mail server takes no address beyond ASCII (SMTPUTF8)"}
	}
	t.SkipSMTPUTF8(false)
	return nil
}

// connect greets the mail server and logs in. Its error is an [*Error].
func (s *SMTP) connect(ctx context.Context) (*talk, error) {
	arrive, cancel := context.WithTimeout(ctx, s.waits.reply)
	defer cancel()
	login, err := s.login(arrive)
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(arrive, "tcp", net.JoinHostPort(s.config.Host, strconv.Itoa(s.config.Port)))
	if err != nil {
		return nil, failed(stepConnect, err, "")
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	t := &talk{conn: conn, waits: s.waits, heard: s.heard}
	t.within(s.waits.reply)
	if err := s.greet(arrive, t, login); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return t, nil
}

// greet goes through all that comes before a mail.
func (s *SMTP) greet(ctx context.Context, t *talk, login login) (err error) {
	conn := t.conn
	if s.config.Security == SecurityTLS {
		encrypted := tls.Client(conn, s.tls())
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return failed(stepTLS, err, "")
		}
		conn = encrypted
	}
	if t.Client, err = smtp.NewClient(conn, s.config.Host); err != nil {
		return failed(stepGreeting, err, "")
	}
	s.observe(t.Client)
	t.SkipSMTPUTF8(true)
	if err := t.heard(t.Hello(s.hello)); err != nil {
		return failed(stepHello, err, "")
	}
	if s.config.Security == SecuritySTARTTLS {
		if offered, _ := t.Extension("STARTTLS"); !offered {
			return failed(stepTLS, nil, "the mail server offers no encryption")
		}
		if err := t.heard(t.StartTLS(s.tls())); err != nil {
			return failed(stepTLS, err, "")
		}
	}
	if login == nil {
		return nil
	}
	return login(t.Client)
}

func (s *SMTP) tls() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}
}
