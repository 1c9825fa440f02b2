package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rekeyhq/rekey/dev/inbox"
)

// post hands each mail to the one who waits for it. (An inbox would look through all of its
// mails for each of them.)
type post struct {
	mu sync.Mutex
	to map[string]chan letter
}

// errNoMail says what to do about it.
var errNoMail = fmt.Errorf("no mail came in %s: has the worker ended? Its own error stands above", patience)

type letter struct {
	text string
	at   time.Time
}

func newPost() post { return post{to: map[string]chan letter{}} }

// take looks on while the inbox takes a mail.
func (p *post) take(m inbox.Message) error {
	at := time.Now()
	for _, to := range m.Recipients {
		p.of(to) <- letter{m.Text, at}
	}
	return nil
}

// of is where the mails to an address come. A reset makes two.
func (p *post) of(address string) chan letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	box := p.to[address]
	if box == nil {
		box = make(chan letter, 8)
		p.to[address] = box
	}
	return box
}

// next is the next mail to an address.
func (p *post) next(ctx context.Context, address string) (letter, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errNoMail)
	defer cancel()
	select {
	case l := <-p.of(address):
		return l, nil
	case <-ctx.Done():
		return letter{}, context.Cause(ctx)
	}
}
