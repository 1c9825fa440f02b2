package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Reset is the content of a mail with a link.
type Reset struct {
	URL       string        // sets a new password
	CancelURL string        // calls the reset off
	Life      time.Duration // how long the link works
	Asked     int           // mails requested in 24 hours, this one too
}

// Changed is the content of the notice of a changed password.
type Changed struct {
	At time.Time // written in UTC
}

// Reset writes the mail with the links.
func (t *Templates) Reset(to, id string, r Reset) (Message, error) {
	return t.write(resetMail, to, id, struct {
		Brand
		URL, CancelURL, Life string
		Asked                int
	}{t.brand, r.URL, r.CancelURL, inWords(r.Life), r.Asked})
}

// Changed writes the notice.
func (t *Templates) Changed(to, id string, c Changed) (Message, error) {
	return t.write(changedMail, to, id, struct {
		Brand
		At string
	}{t.brand, c.At.UTC().Format("2 January 2006 at 15:04 UTC")})
}

func (t *Templates) write(name, to, id string, data any) (Message, error) {
	p := t.mails[name]
	subject, subjectErr := render(p.subject, data)
	text, textErr := render(p.text, data)
	html, htmlErr := render(p.html, data)
	oneLine := strings.Join(strings.Fields(subject), " ")
	return Message{ID: id, To: to, Subject: oneLine, Text: text, HTML: html},
		errors.Join(subjectErr, textErr, htmlErr)
}

func render(t interface {
	Execute(w io.Writer, data any) error
}, data any,
) (string, error) {
	var b bytes.Buffer
	err := t.Execute(&b, data)
	return b.String(), err
}

// inWords writes a life in the largest unit that it is a whole number of.
func inWords(d time.Duration) string {
	unit, name := time.Second, "second"
	switch {
	case d%time.Hour == 0:
		unit, name = time.Hour, "hour"
	case d%time.Minute == 0:
		unit, name = time.Minute, "minute"
	}
	if d/unit == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", d/unit, name)
}
