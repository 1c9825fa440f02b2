package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// halfRequest is a request that the starter has begun to handle and that lacks its body.
type halfRequest struct {
	conn   net.Conn
	answer *bufio.Reader
	body   string
}

// beginRequest sends the head of a request. The starter's invitation to send the body
// (RFC 9110 section 10.1.1) proves that it is at work on it.
func beginRequest(t *testing.T, s *site.Site, body string) halfRequest {
	t.Helper()
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /account/forgot_password HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, len(body))
	h := halfRequest{conn, bufio.NewReader(conn), body}
	if status := h.read(t); status != http.StatusContinue {
		t.Fatalf("status %d, want 100", status)
	}
	return h
}

// finish sends the body and returns the status of the answer.
func (h halfRequest) finish(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(h.conn, h.body); err != nil {
		t.Fatal(err)
	}
	return h.read(t)
}

func (h halfRequest) read(t *testing.T) int {
	t.Helper()
	resp, err := http.ReadResponse(h.answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// awaitRefusal waits until the starter takes no more connections.
func awaitRefusal(t *testing.T, s *site.Site) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); ; {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-again.C:
		case <-late:
			t.Fatal("the starter takes connections after SIGTERM")
		}
	}
}

// pending lists the activities of an account's run that are not done.
func pending(t *testing.T, s *site.Site, who account.Account) []string {
	t.Helper()
	accounts, err := keys.Open(s.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Dial(t).DescribeWorkflowExecution(t.Context(), workflow.ID(accounts.Key(who.Address)), "")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, a := range run.GetPendingActivities() {
		types = append(types, a.GetActivityType().GetName())
	}
	return types
}
