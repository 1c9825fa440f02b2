package crash

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

const (
	newPassword   = "nine lanterns over the bay"
	otherPassword = "four herons on a cold pier"
)

// patience is how long a test waits for a result. It is less than an attempt of a killed worker
// may take, so a test fails when the kill went unnoticed.
const patience = 90 * time.Second

// story is one reset of one person at a site whose worker is killed on the way.
type story struct {
	*site.Site
	who      account.Account
	worker   *process.Process // nil when none runs
	starter  *process.Process
	temporal client.Client
	token    string // of the link that is used
	release  func() // lets the mail server answer
	one      bool   // the worker is all of `rekey one`
}

// begin makes a site where a starter runs and no worker does.
func begin(t *testing.T, starterEnv ...string) *story {
	t.Helper()
	s := &story{Site: site.New(t), release: func() {}}
	s.Run(t, 0, "setup")
	s.Patience = patience
	s.who, s.starter, s.temporal = s.People[0], s.Starter(t, starterEnv...), s.Dial(t)
	return s
}

// work starts a worker.
func (s *story) work(t *testing.T, env ...string) {
	t.Helper()
	if s.one {
		s.worker = s.StartOne(t, env...)
		s.temporal = s.Dial(t) // each start has another certificate
		return
	}
	s.worker = s.Worker(t, env...)
}

// kill kills the worker; the mail server goes on without it.
func (s *story) kill(t *testing.T) {
	t.Helper()
	if s.worker != nil {
		s.worker.Kill(t)
	}
	s.worker = nil
	s.Mail.Fail(nil)
	s.release()
	s.release = func() {}
}

// ask requests a link.
func (s *story) ask(t *testing.T) {
	t.Helper()
	s.Forgot(t, s.who)
}

// open waits for the link in the n-th mail.
func (s *story) open(t *testing.T, n int) {
	t.Helper()
	s.token = s.Token(t, s.who, n)
}

// send submits the new password, as a browser does that is not waited for.
func (s *story) send() {
	go s.Try("/account/reset_password/"+s.token, map[string]string{"password": newPassword})
}

// hold lets the mail server take the next mail without saying so, until the worker is
// killed.
func (s *story) hold() (taken <-chan struct{}) {
	arrived, answer := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(arrived) })
	s.Mail.Fail(func(inbox.Message) error { arrive(); <-answer; return nil })
	s.release = func() { close(answer) }
	return arrived
}

// silent is a mail server that takes a connection and never says a word. It returns the
// settings of a worker that uses it.
func silent(t *testing.T) (env []string, connected <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	came := make(chan struct{})
	go func() {
		if conn, err := listener.Accept(); err == nil {
			t.Cleanup(func() { conn.Close() })
			close(came)
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return []string{"REKEY_SMTP_PORT=" + port}, came
}

func contains(b []byte, part string) bool { return bytes.Contains(b, []byte(part)) }
