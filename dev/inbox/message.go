package inbox

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reads charsets other than UTF-8
	gomail "github.com/emersion/go-message/mail"
)

// Message is one mail. The fields that have a JSON form are Mailpit's.
type Message struct {
	ID          string // the inbox's; the sender's is MessageID
	MessageID   string // without angle brackets
	From        *mail.Address
	To          []*mail.Address
	Cc          []*mail.Address
	Bcc         []*mail.Address // recipients that no header names
	ReplyTo     []*mail.Address
	ReturnPath  string // the envelope's sender
	Subject     string
	Date        time.Time // the header's, or when it came
	Text        string
	HTML        string
	Size        int // bytes
	Inline      []Attachment
	Attachments []Attachment
	Tags        []string // always empty
	Username    string   // always empty

	Created    time.Time `json:"-"` // when it came
	Read       bool      `json:"-"` // it was opened
	Recipients []string  `json:"-"` // the envelope's
	Raw        []byte    `json:"-"` // as received; not to be changed
}

// Attachment describes a part that is not the mail's text.
type Attachment struct {
	PartID      string
	FileName    string
	ContentType string
	ContentID   string
	Size        int // bytes
}

// parse reads a mail. It takes all that it can: an inbox that hid a malformed mail would hide
// the fault that a developer looks for.
func parse(from string, recipients []string, raw []byte) Message {
	m := Message{
		ID: rand.Text(), ReturnPath: from, Recipients: recipients,
		Raw: raw, Size: len(raw), Created: time.Now(), Tags: []string{},
		From: &mail.Address{}, Inline: []Attachment{}, Attachments: []Attachment{},
	}
	m.Date = m.Created
	r, err := gomail.CreateReader(bytes.NewReader(raw))
	if err == nil || message.IsUnknownCharset(err) {
		m.readHeader(r.Header)
		m.readParts(r)
	}
	m.Bcc = m.unnamed()
	return m
}

func (m *Message) readHeader(h gomail.Header) {
	m.Subject, _ = h.Subject()
	m.MessageID, _ = h.MessageID()
	if date, err := h.Date(); err == nil && !date.IsZero() {
		m.Date = date
	}
	if from := addresses(h, "From"); len(from) > 0 {
		m.From = from[0]
	}
	m.To, m.Cc, m.ReplyTo = addresses(h, "To"), addresses(h, "Cc"), addresses(h, "Reply-To")
}

// addresses is never nil: Mailpit's JSON has [] and not null.
func addresses(h gomail.Header, name string) []*mail.Address {
	list, _ := h.AddressList(name)
	if list == nil {
		return []*mail.Address{}
	}
	return list
}

func (m *Message) readParts(r *gomail.Reader) {
	for id := 1; ; id++ {
		part, err := r.NextPart()
		if err != nil && !message.IsUnknownCharset(err) {
			return // the end, or broken MIME
		}
		body, _ := io.ReadAll(part.Body)
		switch h := part.Header.(type) {
		case *gomail.InlineHeader:
			m.readInline(h, strconv.Itoa(id), body)
		case *gomail.AttachmentHeader:
			name, _ := h.Filename()
			m.Attachments = append(m.Attachments, attachment(h.Header, strconv.Itoa(id), name, len(body)))
		}
	}
}

func (m *Message) readInline(h *gomail.InlineHeader, id string, body []byte) {
	switch kind, params, _ := h.ContentType(); kind {
	case "text/plain", "":
		m.Text += string(body)
	case "text/html":
		m.HTML += string(body)
	default:
		m.Inline = append(m.Inline, attachment(h.Header, id, params["name"], len(body)))
	}
}

func attachment(h message.Header, id, name string, size int) Attachment {
	kind, _, _ := h.ContentType()
	return Attachment{PartID: id, FileName: name, ContentType: kind, ContentID: strings.Trim(h.Get("Content-Id"), "<>"), Size: size}
}

// unnamed are the recipients that only the envelope names.
func (m *Message) unnamed() []*mail.Address {
	bcc := []*mail.Address{}
	for _, r := range m.Recipients {
		named := func(a *mail.Address) bool { return strings.EqualFold(a.Address, r) }
		if !slices.ContainsFunc(m.To, named) && !slices.ContainsFunc(m.Cc, named) {
			bcc = append(bcc, &mail.Address{Address: r})
		}
	}
	return bcc
}

// snippet is the beginning of the text in one line, at most 250 characters.
func (m *Message) snippet() string {
	line := []rune(strings.Join(strings.Fields(m.Text), " "))
	return string(line[:min(len(line), 250)])
}
