package mail

import (
	"testing"
	"time"
)

// Hurry shortens the waits for a reply, and for the last one.
func (s *SMTP) Hurry(reply, last time.Duration) {
	s.waits.reply, s.waits.last = reply, last
}

// A server that is left too early may have taken the mail (RFC 5321 section 4.5.3.2.6).
func TestLastReplyIsWaitedFor(t *testing.T) {
	t.Parallel()
	if w := standardWaits(); w.last < 10*time.Minute || w.last+w.reply > DefaultTimeout {
		t.Errorf("%v for the last reply, in a conversation of %v", w.last, DefaultTimeout)
	}
}

// Hurry shortens the wait for an answer.
func (h *HTTP) Hurry(wait time.Duration) { h.client.Timeout = wait }
