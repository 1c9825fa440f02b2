package topology

import (
	"fmt"
	"sync"

	"github.com/rekeyhq/rekey/dev/inbox"
)

// post keeps every mail; an inbox drops the oldest ones.
type post struct {
	mu sync.Mutex
	to map[string][]inbox.Message
}

// take looks on while the inbox takes a mail.
func (p *post) take(m inbox.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, to := range m.Recipients {
		p.to[to] = append(p.to[to], m)
	}
	return nil
}

// of are the mails to an address.
func (p *post) of(address string) []inbox.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.to[address]
}

// oneMail checks that all mails of a kind are one mail, which came once or more.
func oneMail(kind string, ids []string) error {
	for _, id := range ids {
		if id == "" || id != ids[0] {
			return fmt.Errorf("%s with the Message-IDs %q, want one", kind, ids)
		}
	}
	if len(ids) == 0 {
		return fmt.Errorf("no %s", kind)
	}
	return nil
}
