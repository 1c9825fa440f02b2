package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/password"
)

// An operator's first day: nothing is set up, then everything is, then it is stopped.
func TestProcessesFromNothing(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	early := s.Run(t, 1, "worker")
	if got := lastLine(early); !strings.Contains(got, "RekeyState is missing in namespace default") || !strings.Contains(got, "run `rekey setup`") {
		t.Errorf("worker before setup: %s", got)
	}
	for range 2 {
		if out := s.Run(t, 0, "setup").Out.String(); out != "namespace default has search attribute RekeyState\n" {
			t.Errorf("setup says %q", out)
		}
	}
	worker, starter := s.Worker(t), s.Starter(t)
	who := s.People[0]
	token, seen := wholeReset(t, s, who)

	other := s.Run(t, 1, "worker")
	if got := lastLine(other); !strings.Contains(got, s.File()) || !strings.Contains(got, "another process has this bbolt file open") || !strings.Contains(got, "one at a time") {
		t.Errorf("second worker: %s", got)
	}
	busy := s.Run(t, 1, "starter")
	if got := lastLine(busy); !strings.HasPrefix(got, "rekey: --listen ($REKEY_LISTEN): ") || !strings.Contains(got, "address already in use") {
		t.Errorf("second starter: %s", got)
	}

	for name, p := range map[string]*process.Process{"worker": worker, "starter": starter} {
		p.Signal(t, syscall.SIGTERM)
		if code := p.Exit(t); code != 0 {
			t.Errorf("%s: exit code %d after SIGTERM", name, code)
		}
		if p.Await(t, p.Err, `"`+name+` stopped"`); p.Out.String() != "" {
			t.Errorf("%s wrote to its standard output: %s", name, p.Out)
		}
		checkJSON(t, p)
	}
	checkPassword(t, s, who, newPassword)
	checkSecrets(t, s, who, token, seen, worker, starter, other, busy)
}

// reset carries out a whole reset and returns the token and the mails that it took.
func wholeReset(t *testing.T, s *site.Site, who account.Account) (token string, mails []inbox.Message) {
	t.Helper()
	s.Forgot(t, who)
	token = s.Token(t, who, 1)
	page, err := http.Get(s.URL + "/account/change-password/" + token)
	if err != nil || page.StatusCode != http.StatusOK {
		t.Fatalf("page of the link: %v %v", page, err)
	}
	page.Body.Close()
	s.Insist(t, token, newPassword)
	return token, s.Mails(t, who, 2)
}

func checkPassword(t *testing.T, s *site.Site, who account.Account, want string) {
	t.Helper()
	s.Open(t, func(store *bolt.Store) {
		now, err := store.Account(t.Context(), who.ID)
		if err != nil {
			t.Fatal(err)
		}
		if right, err := password.Verify(now.Credential, want); !right || err != nil {
			t.Errorf("the stored password is another: %v", err)
		}
	})
}

// checkSecrets looks for secrets that no log may hold, even when all is logged.
//
// security 11: no token; and no address, no password and no hash.
func checkSecrets(t *testing.T, s *site.Site, who account.Account, token string, mails []inbox.Message, logs ...*process.Process) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{
		"address": who.Address, "local part": who.ID + "@", "password": newPassword, "token": token,
		"token in hex": hex.EncodeToString(raw), "token in base64": base64.StdEncoding.EncodeToString(raw)[:100],
		"hash": "argon2id", "cancel token": cancelLink.FindStringSubmatch(mails[0].Text)[1],
	}
	s.Open(t, func(store *bolt.Store) {
		now, err := store.Account(t.Context(), who.ID)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(now.Credential, "$")
		secrets["salt of the hash"], secrets["end of the hash"] = parts[len(parts)-2], parts[len(parts)-1]
	})
	for _, p := range logs {
		all := strings.ToLower(p.Out.String() + p.Err.String())
		for name, secret := range secrets {
			if strings.Contains(all, strings.ToLower(secret)) {
				t.Errorf("a log holds the %s", name)
			}
		}
	}
	if text := logs[0].Err.String(); !strings.Contains(text, `"level":"debug"`) {
		t.Error("the log has no debug lines, so this proves little")
	}
}

// A worker that stops finishes the mail that it is sending; a starter, the answer that it owes.
// Neither is done again by the next.
func TestProcessesDrain(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	worker, starter := s.Worker(t), s.Starter(t)
	who := s.People[0]
	arrived, release := make(chan struct{}), make(chan struct{})
	arrive := sync.OnceFunc(func() { close(arrived) })
	s.Mail.Fail(func(inbox.Message) error { arrive(); <-release; return nil })

	finish := s.BeginForgot(t, `{"email":"`+who.Address+`"}`)
	starter.Signal(t, syscall.SIGTERM)
	starter.Await(t, starter.Err, `"stopping`)
	awaitRefusal(t, s)
	if status := finish(); status != 200 {
		t.Errorf("request in progress at SIGTERM: status %d", status)
	}
	if code := starter.Exit(t); code != 0 {
		t.Errorf("starter: exit code %d", code)
	}

	process.Happens(t, patience, arrived, "the mail")
	worker.Signal(t, syscall.SIGTERM)
	worker.Await(t, worker.Err, `"stopping`)
	worker.Stays(t, time.Second)
	s.Mail.Fail(nil)
	close(release)
	if code := worker.Exit(t); code != 0 {
		t.Errorf("worker: exit code %d", code)
	}
	if diff := cmp.Diff([]string{"await-token-submission"}, pending(t, s, who)); diff != "" {
		t.Errorf("left to the next worker (-want +got):\n%s", diff)
	}

	s.Worker(t)
	s.Starter(t)
	token := s.Token(t, who, 1)
	s.Insist(t, token, newPassword)
	if mails := s.Mails(t, who, 2); len(mails) != 2 || resetLink.MatchString(mails[1].Text) {
		t.Errorf("%d mails, want the link and the notice", len(mails))
	}
}

// A second signal ends the program without waiting.
func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	starter := s.Starter(t)
	s.BeginForgot(t, `{"email":"erin@example.com"}`)
	starter.Signal(t, syscall.SIGTERM)
	starter.Await(t, starter.Err, `"stopping`)
	starter.Signal(t, syscall.SIGTERM)
	if code := starter.Exit(t); code != -1 {
		t.Errorf("exit code %d, want an end by the signal", code)
	}
}

// Temporal goes away and comes back: both processes stay, and say so meanwhile.
func TestTemporalGoesAway(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	s.Worker(t)
	s.Starter(t)
	who := s.People[0]
	s.Forgot(t, who)
	token := s.Token(t, who, 1)

	s.StopTemporal(t)
	var asked sync.WaitGroup
	for path, body := range map[string]map[string]string{
		"/account/forgot_password": {"email": "frank@example.com"},
		"/account/reset_password":  {"token": token, "password": newPassword},
	} {
		asked.Go(func() {
			a, err := s.Try(path, body)
			if err != nil || a.HTTP != 503 || a.Code != "unavailable" || a.Header.Get("Retry-After") == "" {
				t.Errorf("POST %s without Temporal: %+v, Retry-After %q: %v", path, a, a.Header.Get("Retry-After"), err)
			}
		})
	}
	asked.Wait()

	s.StartTemporal(t)
	s.Insist(t, token, newPassword)
	s.Mails(t, who, 2)
}

// Nobody answers where Temporal should be: an error in a bounded time, not silence.
func TestTemporalDoesNotAnswer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := site.At(t, silent.Addr().String(), shared.Mail)
	var tried sync.WaitGroup
	for _, addr := range []string{silent.Addr().String(), site.FreeAddr(t)} {
		for _, command := range []string{"setup", "worker", "starter"} {
			env := []string{"TEMPORAL_ADDRESS=" + addr, "REKEY_STORE=" + emptyStore(t)}
			p := s.Start(t, env, command)
			tried.Go(func() {
				if code := p.Exit(t); code != 1 {
					t.Errorf("%s: exit code %d", command, code)
				}
				if got := lastLine(p); !strings.HasPrefix(got, "rekey: connect to Temporal at "+addr) || !strings.Contains(got, "TEMPORAL_ADDRESS") {
					t.Errorf("%s: %s", command, got)
				}
			})
		}
	}
	tried.Wait()
}
