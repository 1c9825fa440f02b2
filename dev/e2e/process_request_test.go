package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/temporal"
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
func (s *site) beginRequest(t *testing.T, body string) halfRequest {
	t.Helper()
	host := strings.TrimPrefix(s.url, "http://")
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
func (s *site) awaitRefusal(t *testing.T) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); ; {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
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

// await waits for an event.
func await(t *testing.T, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatalf("%s did not happen", what)
	}
}

// temporalStart starts the site's server again, where it was.
func temporalStart(t *testing.T, s *site) (*temporal.Server, error) {
	t.Helper()
	return temporal.Start(t.Context(), s.temporal(s.server.Addr()))
}

// pending lists the activities of an account's run that are not done.
func (s *site) pending(t *testing.T, who account.Account) []string {
	t.Helper()
	accounts, err := keys.Open(filepath.Join(s.dir, "keys")).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.server.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	run, err := c.DescribeWorkflowExecution(t.Context(), workflow.ID(accounts.Key(who.Address)), "")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, a := range run.GetPendingActivities() {
		types = append(types, a.GetActivityType().GetName())
	}
	return types
}
