package mail

import "time"

// Hurry shortens the waits for a reply, and for the last one.
func (s *SMTP) Hurry(reply, last time.Duration) {
	s.waits.reply, s.waits.last = reply, last
}
