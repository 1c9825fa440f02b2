package mail

import "time"

// Hurry shortens what the mail server may take for a reply, and for the last one.
func (s *SMTP) Hurry(reply, last time.Duration) {
	s.waits.reply, s.waits.last = reply, last
}
