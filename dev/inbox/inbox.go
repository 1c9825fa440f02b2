package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Inbox is a running inbox. Its methods may be called concurrently.
type Inbox struct {
	box   *box
	smtp  *smtp.Server
	http  *http.Server
	mail  net.Listener
	page  net.Listener
	fault faults
	// closing ends waits inside the servers: a hung answer, a page's events.
	closing context.Context
	close   context.CancelFunc
	serving sync.WaitGroup
}

// Start listens for mail on smtpAddr and serves the page and the API on
// httpAddr. Both are host:port on loopback; an empty one or port 0 picks a free
// port. Nothing is kept on disk.
func Start(smtpAddr, httpAddr string) (*Inbox, error) {
	mail, err := listen(smtpAddr)
	if err != nil {
		return nil, err
	}
	page, err := listen(httpAddr)
	if err != nil {
		return nil, errors.Join(err, mail.Close())
	}
	i := &Inbox{box: newBox(), mail: mail, page: page}
	i.closing, i.close = context.WithCancel(context.Background())
	i.smtp = i.mailServer()
	i.http = &http.Server{
		Handler:           i.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		BaseContext:       func(net.Listener) context.Context { return i.closing },
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	i.serving.Go(func() { _ = i.smtp.Serve(greeter{mail, i}) })
	i.serving.Go(func() { _ = i.http.Serve(page) })
	return i, nil
}

// listen refuses everything but loopback: a reader of the mails owns the accounts.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", cmp.Or(addr, "127.0.0.1:0"))
	if err != nil {
		return nil, fmt.Errorf("inbox address %s: %w", addr, err)
	}
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("inbox address %s: not a loopback address", addr), l.Close())
	}
	return l, nil
}

// SMTPAddr is where mail is taken, host:port.
func (i *Inbox) SMTPAddr() string { return i.mail.Addr().String() }

// URL is the page's address; the API is below it at /api/v1/.
func (i *Inbox) URL() string { return "http://" + i.page.Addr().String() }

// Keep sets how many mails are kept, from the next one on. A test that waits for more than 500
// would wait for some that are gone.
func (i *Inbox) Keep(n int) { i.box.keep(n) }

// Wait returns the mails to an address, oldest first, as soon as there are at
// least n. It fails only when ctx ends, and then still returns those it has.
func (i *Inbox) Wait(ctx context.Context, to string, n int) ([]Message, error) {
	for {
		changed := i.box.changes()
		mails := i.box.sentTo(to)
		if len(mails) >= n {
			return mails, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return mails, fmt.Errorf("%d of %d mails: %w", len(mails), n, context.Cause(ctx))
		}
	}
}

// Close stops both servers, cuts their connections and forgets all mails.
func (i *Inbox) Close() error {
	i.close()
	err := errors.Join(i.smtp.Close(), i.http.Close())
	// The mail server knows its listener only once its goroutine has run.
	if closed := i.mail.Close(); !errors.Is(closed, net.ErrClosed) {
		err = errors.Join(err, closed)
	}
	i.serving.Wait()
	return err
}
