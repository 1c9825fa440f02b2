package inbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// summary is a mail in a list, with Mailpit's field names.
type summary struct {
	ID          string
	MessageID   string
	Read        bool
	From        *mail.Address
	To          []*mail.Address
	Cc          []*mail.Address
	Bcc         []*mail.Address
	ReplyTo     []*mail.Address
	Subject     string
	Created     time.Time
	Username    string
	Tags        []string
	Size        int
	Attachments int
	Snippet     string
}

// listing is one page of a list, with Mailpit's field names. Total and Unread count the inbox,
// the Messages ones the mails found.
type listing struct {
	Total          int       `json:"total"`
	Unread         int       `json:"unread"`
	Count          int       `json:"count"`
	MessagesCount  int       `json:"messages_count"`
	MessagesUnread int       `json:"messages_unread"`
	Start          int       `json:"start"`
	Tags           []string  `json:"tags"`
	Messages       []summary `json:"messages"`
}

func (m *Message) summary() summary {
	return summary{
		ID: m.ID, MessageID: m.MessageID, Read: m.Read,
		From: m.From, To: m.To, Cc: m.Cc, Bcc: m.Bcc, ReplyTo: m.ReplyTo,
		Subject: m.Subject, Created: m.Created, Tags: m.Tags, Size: m.Size,
		Attachments: len(m.Attachments), Snippet: m.snippet(),
	}
}

// paged returns the newest mails of found, by Mailpit's start and limit.
func (i *Inbox) paged(found []Message, start, limit int) listing {
	all := i.box.find(anything)
	p := listing{
		Total: len(all), Unread: unread(all),
		MessagesCount: len(found), MessagesUnread: unread(found),
		Start: start, Tags: []string{}, Messages: []summary{},
	}
	slices.Reverse(found)
	from := min(start, len(found))
	for _, m := range found[from:min(from+limit, len(found))] {
		p.Messages = append(p.Messages, m.summary())
	}
	p.Count = len(p.Messages)
	return p
}

func anything(*Message) bool { return true }

func unread(mails []Message) int {
	n := 0
	for _, m := range mails {
		if !m.Read {
			n++
		}
	}
	return n
}

func (i *Inbox) apiList(w http.ResponseWriter, r *http.Request) {
	i.answerList(w, r, i.box.find(anything))
}

func (i *Inbox) apiSearch(w http.ResponseWriter, r *http.Request) {
	query := strings.TrimSpace(r.FormValue("query"))
	if query == "" {
		http.Error(w, "no search query", http.StatusBadRequest)
		return
	}
	i.answerList(w, r, i.box.find(matching(query)))
}

func (i *Inbox) answerList(w http.ResponseWriter, r *http.Request, found []Message) {
	answer(w, i.paged(found, number(r, "start", 0), min(number(r, "limit", 50), capacity)))
}

// number is a query parameter; a text that is no number of at least zero counts as absent.
func number(r *http.Request, name string, absent int) int {
	n, err := strconv.Atoi(r.FormValue(name))
	if err != nil || n < 0 {
		return absent
	}
	return n
}

func (i *Inbox) apiMessage(w http.ResponseWriter, r *http.Request) {
	if m, ok := i.opened(w, r); ok {
		answer(w, m)
	}
}

func (i *Inbox) apiHeaders(w http.ResponseWriter, r *http.Request) {
	m, ok := i.opened(w, r)
	if !ok {
		return
	}
	parsed, err := mail.ReadMessage(strings.NewReader(string(m.Raw)))
	if err != nil {
		http.Error(w, "not a mail", http.StatusBadRequest)
		return
	}
	answer(w, parsed.Header)
}

func (i *Inbox) apiRaw(w http.ResponseWriter, r *http.Request) {
	if m, ok := i.opened(w, r); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(m.Raw)
	}
}

// apiDelete deletes the mails that the body names, or all without a body.
func (i *Inbox) apiDelete(w http.ResponseWriter, r *http.Request) {
	var body struct{ IDs []string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body)
	if err != nil && !errors.Is(err, io.EOF) {
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	i.box.remove(body.IDs)
	_, _ = io.WriteString(w, "ok")
}

// opened is the mail that the path names; without one the answer is written.
func (i *Inbox) opened(w http.ResponseWriter, r *http.Request) (Message, bool) {
	m, ok := i.box.open(r.PathValue("id"))
	if !ok {
		http.Error(w, "message not found", http.StatusNotFound)
	}
	return m, ok
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
