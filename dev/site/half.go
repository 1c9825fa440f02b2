package site

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// BeginForgot sends the head of a request for a mail. The starter's invitation to send the
// body (RFC 9110 section 10.1.1) proves that it handles the request. The returned function
// sends the body and returns the status of the answer.
func (s *Site) BeginForgot(t *testing.T, body string) (finish func() int) {
	t.Helper()
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(s.Patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /account/forgot_password HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", host, len(body))
	answer := bufio.NewReader(conn)
	if got := status(t, answer); got != http.StatusContinue {
		t.Fatalf("status %d, want 100", got)
	}
	return func() int {
		if _, err := io.WriteString(conn, body); err != nil {
			t.Fatal(err)
		}
		return status(t, answer)
	}
}

func status(t *testing.T, answer *bufio.Reader) int {
	t.Helper()
	resp, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}
