package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

// The passwords of the scan have characters that encoders write differently.
const (
	scannedOld   = `Scanned "oboe" & gülden/77 +old`
	scannedNew   = `Scanned <pine> & "gülden" 77/é? velvet`
	scannedOther = `Scanned 'tuba' & grüne 88/%41 gravel`
	scannedWeak  = `scanned.owner scanned.owner`
)

// Processes meet every fault whose text could quote data, and reveal nothing. That holds for
// the caller, the log at debug level, Temporal's file, and the errors of commands. The store
// keeps its own data, and no link and no password.
//
// security 11, 28, 38.
func TestProcessesTellNothing(t *testing.T) {
	t.Parallel()
	s := newScan(t)
	s.badCommands(t)
	s.Run(t, 0, "setup")
	worker := s.program(t, nil, "worker", `"worker started"`)
	s.program(t, nil, "starter", `"starter listens"`)

	s.ask(t, 200, "POST", "/account/forgot_password", asJSON, jsonOf("email", s.damaged.Address))
	worker.Await(t, worker.Err, `"Activity error."`)
	s.mailServerQuotes(t)
	s.ask(t, 200, "POST", "/account/forgot_password", asJSON, jsonOf("email", "scanned.nobody@example.com"))
	owner := s.links(t, s.owner, asJSON, jsonOf("email", s.owner.Address))
	other := s.links(t, s.other, asForm, formOf("email", s.other.Address))
	s.wrongRequests(t, owner)
	s.refusedPasswords(t, owner)
	s.withoutTemporal(t, owner)
	s.changePassword(t, owner)
	s.ask(t, 400, "POST", "/account/reset_password/"+owner.reset, asJSON, jsonOf("password", scannedOther))
	s.askAt(t, s.URL, &s.pages, 200, "GET", "/account/change-password/"+owner.reset, "", "") // names the account
	s.ask(t, 400, "POST", "/account/cancel_reset/"+owner.cancel, asJSON, "{}")
	s.ask(t, 200, "POST", "/account/cancel_reset", asForm, formOf("token", other.cancel))
	s.ask(t, 400, "POST", "/account/reset_password", asForm, formOf("token", other.reset, "password", scannedNew, "confirm", scannedNew))
	s.stop(t)
	s.check(t)
}

// badCommands are commands with unusable files.
func (s *scan) badCommands(t *testing.T) {
	t.Helper()
	marks := strings.Repeat(s.owner.Address+" "+s.owner.Credential+" "+scannedOld+"\n", 200)
	store, dir := filepath.Join(t.TempDir(), "accounts.db"), t.TempDir()
	for _, file := range []string{store, filepath.Join(dir, "link.json"), filepath.Join(dir, "payload.json")} {
		if err := os.WriteFile(file, []byte(marks), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for env, command := range map[string]string{
		"REKEY_STORE=" + store: "worker", "REKEY_STORE=" + dir: "worker",
		"REKEY_KEYS=" + dir: "worker", "REKEY_KEYS=" + dir + "/": "starter",
	} {
		p := s.Start(t, []string{env}, command)
		s.programs = append(s.programs, p)
		if code := p.Exit(t); code != 1 {
			t.Errorf("%s with %s: exit code %d", command, env, code)
		}
	}
}

// mailServerQuotes lets the mail server defer a mail and refuse the next attempt, each time
// with all that it was sent.
func (s *scan) mailServerQuotes(t *testing.T) {
	t.Helper()
	var tries atomic.Int32
	refused := make(chan struct{})
	refuse := sync.OnceFunc(func() { close(refused) })
	s.Mail.Fail(func(m inbox.Message) error {
		text := fmt.Sprintf("%v: %s", m.To, strings.Join(strings.Fields(m.Text), " "))
		s.remember(m.Text)
		if tries.Add(1) == 1 {
			return inbox.Reply(451, text)
		}
		refuse()
		return inbox.Reply(552, text)
	})
	s.ask(t, 200, "POST", "/account/forgot_password", asJSON, jsonOf("email", s.bounced.Address))
	process.Happens(t, patience, refused, "the refusal of the mail server")
	s.Mail.Fail(nil)
}

// wrongRequests have secrets in wrong places, or are no requests.
func (s *scan) wrongRequests(t *testing.T, l links) {
	t.Helper()
	forged := l.reset[:len(l.reset)-1] + "_"
	if forged == l.reset {
		forged = l.reset[:len(l.reset)-1] + "0"
	}
	s.remember("/account/change-password/" + forged)
	both := formOf("token", l.reset, "password", scannedNew)
	long := jsonOf("token", l.reset, "password", strings.Repeat(scannedNew, 500))
	for _, r := range []struct {
		status                   int
		method, path, kind, body string
	}{
		{404, "GET", "/account/change-passwort/" + l.reset, "", ""},
		{404, "GET", "/" + l.cancel + "?" + both, "", ""},
		{405, "PUT", "/account/reset_password/" + l.reset, asJSON, jsonOf("password", scannedNew)},
		{404, "POST", "/account/reset_password/" + l.reset + "/more", asJSON, "{}"},
		{400, "POST", "/account/reset_password?" + both, asJSON, "{}"},
		{200, "GET", "/account/change-password?" + both, "", ""},
		{400, "GET", "/account/change-password/" + forged, "", ""},
		{400, "POST", "/account/reset_password/" + forged, asJSON, jsonOf("password", scannedNew)},
		{400, "POST", "/account/cancel_reset/" + l.reset, asJSON, "{}"},
		{415, "POST", "/account/reset_password", "text/plain", both},
		{413, "POST", "/account/reset_password", asJSON, long},
		{413, "POST", "/account/reset_password", asForm, both + strings.Repeat("&password="+l.reset, 200)},
		{400, "POST", "/account/reset_password", asJSON, jsonOf(l.reset, scannedNew)},
		{400, "POST", "/account/reset_password", asForm, both + "&" + both},
		{400, "POST", "/account/reset_password", asJSON, `{"token":["` + l.reset + `"]}`},
		{400, "POST", "/account/reset_password", asJSON, `{"token":"` + l.reset + `"` + l.cancel},
		{400, "POST", "/account/forgot_password", asJSON, jsonOf("email", s.owner.Address, "password", scannedOld)},
		{400, "POST", "/account/forgot_password", asJSON, jsonOf("email", "<"+s.owner.Address+">")},
		{403, "POST", "/account/forgot_password", crossSite, formOf("email", s.owner.Address)},
	} {
		s.ask(t, r.status, r.method, r.path, r.kind, r.body)
	}
}

// refusedPasswords are answered for the policy, and by a starter whose server of breached
// passwords is away.
func (s *scan) refusedPasswords(t *testing.T, l links) {
	t.Helper()
	for _, weak := range []string{scannedWeak, "Scanned short", strings.Repeat(scannedOther, 40)} {
		s.ask(t, 400, "POST", "/account/reset_password/"+l.reset, asJSON, jsonOf("password", weak))
	}
	s.askAsHolder(t, 400, formOf("token", l.reset, "password", scannedWeak, "confirm", scannedWeak))
	s.askAsHolder(t, 400, formOf("token", l.reset, "password", scannedNew, "confirm", scannedOther))
	closed := "http://" + site.FreeAddr(t)
	s.program(t, []string{"REKEY_LISTEN=" + strings.TrimPrefix(closed, "http://"), "REKEY_BREACHED_FAIL=closed"}, "starter", `"starter listens"`)
	s.askAt(t, closed, &s.answers, 503, "POST", "/account/reset_password/"+l.reset, asJSON, jsonOf("password", scannedOther))
}

// withoutTemporal requests a mail and a change while Temporal is away.
func (s *scan) withoutTemporal(t *testing.T, l links) {
	t.Helper()
	s.StopTemporal(t)
	s.ask(t, 503, "POST", "/account/forgot_password", asJSON, jsonOf("email", s.owner.Address))
	s.ask(t, 503, "POST", "/account/reset_password/"+l.reset, asJSON, jsonOf("password", scannedNew))
	s.StartTemporal(t)
}

// changePassword submits a password until it is taken: the starter needs a moment to find
// Temporal again.
func (s *scan) changePassword(t *testing.T, l links) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for late := time.After(time.Minute); ; {
		a := s.Post(t, "/account/reset_password", map[string]string{"token": l.reset, "password": scannedNew})
		if a.HTTP == 200 {
			break
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("the password is not taken: %+v", a)
		}
	}
	s.Mails(t, s.owner, 2)
}

// stop stops the processes, so that all they had to write is written.
func (s *scan) stop(t *testing.T) {
	t.Helper()
	running := s.programs[len(s.programs)-3:]
	for _, p := range running {
		_, metrics := site.Probe(t, p, "/metrics")
		s.metrics.WriteString(metrics)
	}
	for _, p := range running {
		p.Signal(t, syscall.SIGTERM)
	}
	for _, p := range running {
		if code := p.Exit(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	s.StopTemporal(t)
}
