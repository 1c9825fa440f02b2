package starter

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/rekeyhq/rekey/link"
)

const (
	// linkAttempts is how many passwords may be tried on one link in a minute. Each costs a
	// strength estimate, a hash and, where configured, a query to another server.
	linkAttempts = 10
	// lateAttempts is how many may be compared with the submission of an expired link, while its
	// result is still shown.
	lateAttempts = 5
	// recentLinks is how many links are remembered. Only links whose run waits for them, or has
	// accepted a password, get here, so a stranger cannot push another's out.
	recentLinks = 10_000
)

// attempts counts the attempts on each link. It is safe for concurrent use.
type attempts struct {
	most   int
	within time.Duration

	mu    sync.Mutex
	links *simplelru.LRU[link.Digest, []time.Time]
}

func newAttempts(most int, within time.Duration) (*attempts, error) {
	links, err := simplelru.NewLRU[link.Digest, []time.Time](recentLinks, nil)
	return &attempts{most: most, within: within, links: links}, err
}

// another counts an attempt on the link with a digest, unless it is one too many.
func (a *attempts) another(token link.Digest, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	past, _ := a.links.Get(token)
	past = slices.DeleteFunc(past, func(t time.Time) bool { return now.Sub(t) >= a.within })
	if len(past) >= a.most {
		return false
	}
	a.links.Add(token, append(past, now))
	return true
}
