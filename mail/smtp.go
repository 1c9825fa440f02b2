package mail

import (
	"context"
	"crypto/tls"
	"net"

	gomail "github.com/wneessen/go-mail"
)

// Send hands over one mail. Its error is an [*Error]. When ctx ends, the connection is
// cut and the outcome is what is known by then.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	return s.converse(ctx, func(c *gomail.Client) error {
		if err := c.Send(msg); err != nil {
			return judge(err)
		}
		return nil
	})
}

// Check says whether the mail server can be reached, proves who it is and takes our
// login. Its error is an [*Error].
func (s *SMTP) Check(ctx context.Context) error {
	return s.converse(ctx, func(*gomail.Client) error { return nil })
}

// converse connects, talks and says goodbye. Any reply before the talk is about us and
// our configuration, so a mail is never refused by it.
func (s *SMTP) converse(ctx context.Context, talk func(*gomail.Client) error) error {
	ctx, hangUp := context.WithTimeout(ctx, s.config.Timeout)
	defer hangUp()
	client, err := s.client(ctx)
	if err == nil {
		err = client.DialWithContext(ctx)
	}
	if err != nil {
		return &Error{Deferred, replyCode(err), stepConnect}
	}
	defer func() { _ = client.Close() }() // the mail is taken or not by now; QUIT is courtesy
	return talk(client)
}

// client makes a client whose connection lives no longer than ctx. Addresses are ASCII,
// so SMTPUTF8 is never asked for: a relay behind the mail server may lack it and would
// bounce the mail.
func (s *SMTP) client(ctx context.Context) (*gomail.Client, error) {
	policy := gomail.NoTLS
	if s.config.Security == SecuritySTARTTLS {
		policy = gomail.TLSMandatory
	}
	options := []gomail.Option{
		gomail.WithPort(s.config.Port), gomail.WithTimeout(s.config.Timeout),
		gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(s.tls()),
		gomail.WithDialContextFunc(s.dialer(ctx)),
		gomail.WithoutNoop(), gomail.WithoutRset(), gomail.WithoutSMTPUTF8(),
	}
	if s.config.Username != "" {
		options = append(options,
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin),
			gomail.WithUsername(s.config.Username), gomail.WithPassword(s.config.Password))
	}
	return gomail.NewClient(s.config.Host, options...)
}

// dialer connects and cuts the connection when the conversation's context ends. go-mail
// minds a context only while it dials, and leaves a connection open when a greeting, TLS
// or the login fails.
func (s *SMTP) dialer(conversation context.Context) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		if s.config.Security == SecurityTLS {
			conn, err = (&tls.Dialer{Config: s.tls()}).DialContext(ctx, network, address)
		} else {
			conn, err = new(net.Dialer).DialContext(ctx, network, address)
		}
		if err == nil {
			context.AfterFunc(conversation, func() { _ = conn.Close() })
		}
		return conn, err
	}
}

func (s *SMTP) tls() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}
}
