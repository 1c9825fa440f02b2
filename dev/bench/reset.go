package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// send posts JSON and fails unless the answer's status is one of these.
func (s *site) send(ctx context.Context, url string, body map[string]string, want ...int) (status int, err error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(sent))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err == nil && !slices.Contains(want, resp.StatusCode) {
		err = fmt.Errorf("%s: %s", resp.Status, got)
	}
	return resp.StatusCode, err
}

// forgot asks for a link.
func (s *site) forgot(ctx context.Context, address string) error {
	_, err := s.send(ctx, s.URL+"/account/forgot_password", map[string]string{"email": address}, http.StatusOK)
	return err
}

const newPassword = "plum velvet thirty gulls"

// submit sends a password, as the page does: an error of HTTP would quote a token in the path.
// 202 is an answer too: it was taken, and is not applied yet.
func (s *site) submit(ctx context.Context, token string) (late bool, err error) {
	status, err := s.send(ctx, s.URL+"/account/reset_password", map[string]string{"token": token, "password": newPassword}, http.StatusOK, http.StatusAccepted)
	return status == http.StatusAccepted, err
}

var resetLink = regexp.MustCompile(`/account/change-password/([A-Za-z0-9_-]+)`)

func tokenIn(text string) (string, error) {
	found := resetLink.FindStringSubmatch(text)
	if found == nil {
		return "", errors.New("no link in the mail")
	}
	return found[1], nil
}

// hops are the times of one reset.
type hops struct {
	began  time.Time
	sent   time.Time     // the new password
	Forgot time.Duration // from the request to its answer
	Mail   time.Duration // from the request to the mail in the inbox
	Submit time.Duration // from the new password to its answer
	Notice time.Duration // from the new password to the notice in the inbox
	Late   bool          // the answer was that the password will be changed soon
}

// hopKind is one of the times.
type hopKind struct {
	what string
	of   func(hops) time.Duration
}

func hopKinds() []hopKind {
	return []hopKind{
		{"forgot: the answer", func(h hops) time.Duration { return h.Forgot }},
		{"forgot: the mail", func(h hops) time.Duration { return h.Mail }},
		submitAnswer(),
		{"submit: the notice", func(h hops) time.Duration { return h.Notice }},
	}
}

func submitAnswer() hopKind {
	return hopKind{"submit: the answer", func(h hops) time.Duration { return h.Submit }}
}

// moments are when something was seen from outside.
func moments(resets []hops) (all []time.Time) {
	for _, h := range resets {
		all = append(all, h.began.Add(h.Forgot), h.began.Add(h.Mail), h.sent.Add(h.Submit), h.sent.Add(h.Notice))
	}
	return all
}

// reset resets a password as a quick person does.
func (s *site) reset(ctx context.Context) (h hops, err error) {
	who, err := s.nobodyYet()
	if err != nil {
		return h, err
	}
	h.began = time.Now()
	if err := s.forgot(ctx, who); err != nil {
		return h, err
	}
	h.Forgot = time.Since(h.began)
	link, err := s.post.next(ctx, who)
	if err != nil {
		return h, err
	}
	h.Mail = link.at.Sub(h.began)
	token, err := tokenIn(link.text)
	if err != nil {
		return h, err
	}
	h.sent = time.Now()
	if h.Late, err = s.submit(ctx, token); err != nil {
		return h, err
	}
	h.Submit = time.Since(h.sent)
	notice, err := s.post.next(ctx, who)
	h.Notice = notice.at.Sub(h.sent)
	return h, err
}

// link asks for a mail and returns the token in it.
func (s *site) link(ctx context.Context) (string, error) {
	who, err := s.nobodyYet()
	if err != nil {
		return "", err
	}
	if err := s.forgot(ctx, who); err != nil {
		return "", err
	}
	mail, err := s.post.next(ctx, who)
	if err != nil {
		return "", err
	}
	return tokenIn(mail.text)
}
