package inbox

import (
	"slices"
	"strings"
	"sync"
)

// capacity is the number of mails kept, Mailpit's default; the oldest go first. No page has
// more of them.
const capacity = 500

// box keeps the mails, oldest first.
type box struct {
	mu      sync.Mutex
	mails   []*Message
	to      map[string][]*Message // by recipient, in lower case
	most    int
	changed chan struct{} // closed and replaced by each change
}

func newBox() *box {
	return &box{most: capacity, to: map[string][]*Message{}, changed: make(chan struct{})}
}

// changes returns a channel that the next change closes. Ask for it before
// looking, or a change in between is missed.
func (b *box) changes() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// announce wakes every waiting caller; the caller holds the lock.
func (b *box) announce() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *box) add(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mails = append(b.mails, &m)
	b.index(&m)
	if over := len(b.mails) - b.most; over > 0 {
		b.hold(slices.Delete(b.mails, 0, over))
	}
	b.announce()
}

func (b *box) index(m *Message) {
	for _, to := range m.Recipients {
		to = strings.ToLower(to)
		if mails := b.to[to]; len(mails) == 0 || mails[len(mails)-1] != m { // it may be named twice
			b.to[to] = append(mails, m)
		}
	}
}

// hold keeps these mails and no others.
func (b *box) hold(mails []*Message) {
	b.mails = mails
	clear(b.to)
	for _, m := range mails {
		b.index(m)
	}
}

// keep sets how many mails are kept from the next one on.
func (b *box) keep(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most = n
}

// sentTo returns copies of the mails that were sent to an address, oldest first.
func (b *box) sentTo(address string) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Message{}
	for _, m := range b.to[strings.ToLower(address)] {
		found = append(found, *m)
	}
	return found
}

// find returns copies of the mails that match, oldest first.
func (b *box) find(match func(*Message) bool) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Message{}
	for _, m := range b.mails {
		if match(m) {
			found = append(found, *m)
		}
	}
	return found
}

// open returns one mail and marks it read; "latest" is the newest, as in Mailpit.
func (b *box) open(id string) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range slices.Backward(b.mails) {
		if m.ID == id || id == "latest" {
			m.Read = true
			return *m, true
		}
	}
	return Message{}, false
}

// remove deletes the mails with these IDs, or all when there are none.
func (b *box) remove(ids []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hold(slices.DeleteFunc(b.mails, func(m *Message) bool {
		return len(ids) == 0 || slices.Contains(ids, m.ID)
	}))
	b.announce()
}
