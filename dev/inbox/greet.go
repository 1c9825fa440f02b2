package inbox

import (
	"errors"
	"fmt"
	"net"

	"github.com/emersion/go-smtp"
)

// greeter accepts connections for the mail server, which greets every client. A connection that
// a fault keeps from being greeted does not get that far.
type greeter struct {
	net.Listener
	inbox *Inbox
}

// Accept implements [net.Listener].
func (g greeter) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		fault := g.inbox.fault.of(Greeting, Message{})
		if fault == nil {
			return conn, nil
		}
		g.inbox.serving.Go(func() { g.refuse(conn, fault) })
	}
}

func (g greeter) refuse(conn net.Conn, fault error) {
	defer func() { _ = conn.Close() }() // no answer is due any more
	if reply, ok := errors.AsType[*smtp.SMTPError](fault); ok {
		fmt.Fprintf(conn, "%d %s\r\n", reply.Code, reply.Message)
	}
	if errors.Is(fault, ErrHang) {
		<-g.inbox.closing.Done()
	}
}
