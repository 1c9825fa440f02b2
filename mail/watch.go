package mail

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/wneessen/go-mail/log"
	"github.com/wneessen/go-mail/smtp"
)

// watching passes on the lines of a conversation with the mail server. The SMTP client leaves data of
// the login out; the lines are cleaned once more here, in case that a server quotes it.
type watching struct {
	smtp  *SMTP
	watch func(line string)
}

// credentials are those of a command.
var credentials = regexp.MustCompile(`(?i)^(AUTH \S+).*$`)

const masked = "***"

// Debugf implements log.Logger.
func (w watching) Debugf(l log.Log) {
	prefix := "S: "
	if l.Direction == log.DirClientToServer {
		prefix = "C: "
	}
	w.say(prefix, fmt.Sprintf(l.Format, l.Messages...))
}

func (w watching) say(prefix, text string) {
	text = credentials.ReplaceAllString(text, "$1 "+masked)
	if secret := w.smtp.config.Password; secret != "" {
		text = strings.ReplaceAll(text, secret, masked)
	}
	for line := range strings.SplitSeq(text, "\n") {
		w.watch(prefix + line)
	}
}

// heard shows a refusing reply, which the client does not pass on as a line.
func (s *SMTP) heard(err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok && s.config.Watch != nil {
		watching{s, s.config.Watch}.say("S: ", fmt.Sprintf("%d %s", e.Code, e.Msg))
	}
	return err
}

// Infof implements log.Logger.
func (w watching) Infof(log.Log) {}

// Warnf implements log.Logger.
func (w watching) Warnf(log.Log) {}

// Errorf implements log.Logger.
func (w watching) Errorf(log.Log) {}

// observe has the conversations of a client watched, if somebody does.
func (s *SMTP) observe(c *smtp.Client) {
	if s.config.Watch == nil {
		return
	}
	c.SetLogger(watching{s, s.config.Watch})
	c.SetDebugLog(true)
}
