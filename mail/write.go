package mail

import (
	"bytes"
	"errors"
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
	From      string        // network address of the request, or empty: then nothing of it is written
	AskedAt   time.Time     // time of the request, written in UTC and in whole minutes
}

// Changed is the content of the notice of a changed password.
type Changed struct {
	At time.Time // written in UTC
}

// Invitation is the content of a mail with the link to the first password of an account.
type Invitation struct {
	URL       string        // sets the first password
	CancelURL string        // declines the invitation
	Life      time.Duration // how long the link works
	// Inviter is the name of the inviting person, or empty. At most 64 letters of it are mailed,
	// and none when it could be read as a link: users of an application choose their names.
	Inviter  string
	Reminder bool // an earlier mail invited already
}

// Set is the content of the notice of a first password.
type Set struct {
	At time.Time // written in UTC
}

// Forced is the content of a mail with a link, after the operators blocked a password.
type Forced struct {
	URL    string        // sets a new password
	Life   time.Duration // how long the link works
	Reason string        // in the operators' words, or empty; at most 500 letters of it are mailed
}

// Reset writes the mail with the links.
func (t *Templates) Reset(to, id string, r Reset) (Message, error) {
	return t.write(resetMail, to, id, struct {
		Brand
		URL, CancelURL, Life string
		Asked                int
		From, AskedAt        string
	}{t.brand, r.URL, r.CancelURL, t.language.Life(r.Life), r.Asked, r.From, t.language.Date(r.AskedAt)})
}

// Changed writes the notice.
func (t *Templates) Changed(to, id string, c Changed) (Message, error) {
	return t.write(changedMail, to, id, struct {
		Brand
		At string
	}{t.brand, t.language.Date(c.At)})
}

// Invitation writes the mail with the links. Its error is a fault of a template.
func (t *Templates) Invitation(to, id string, i Invitation) (Message, error) {
	return t.write(invitationMail, to, id, struct {
		Brand
		URL, CancelURL, Life, Inviter string
		Reminder                      bool
	}{t.brand, i.URL, i.CancelURL, t.language.Life(i.Life), inviter(i.Inviter), i.Reminder})
}

// Set writes the notice of a first password. Its error is a fault of a template.
func (t *Templates) Set(to, id string, s Set) (Message, error) {
	return t.write(setMail, to, id, struct {
		Brand
		At string
	}{t.brand, t.language.Date(s.At)})
}

// Forced writes the mail with the link. Its error is a fault of a template.
func (t *Templates) Forced(to, id string, f Forced) (Message, error) {
	return t.write(forcedMail, to, id, struct {
		Brand
		URL, Life, Reason string
	}{t.brand, f.URL, t.language.Life(f.Life), wrapped(plain(f.Reason, maxReason), reasonColumns)})
}

func (t *Templates) write(name, to, id string, data any) (Message, error) {
	p := t.mails[name]
	subject, subjectErr := render(p.subject, data)
	text, textErr := render(p.text, data)
	html, htmlErr := render(p.html, data)
	oneLine := strings.Join(strings.Fields(subject), " ")
	m := Message{ID: id, To: to, Subject: oneLine, Text: text, HTML: html, Language: t.language.Tag()}
	if logo, ok := t.brand.look().Picture(); ok {
		m.Logo = &logo
	}
	return m, errors.Join(subjectErr, textErr, htmlErr)
}

func render(t interface {
	Execute(w io.Writer, data any) error
}, data any,
) (string, error) {
	var b bytes.Buffer
	err := t.Execute(&b, data)
	return b.String(), err
}
