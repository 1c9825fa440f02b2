package deploy

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

const (
	owner = "alice@example.com"
	chose = "plum velvet thirty gulls"
)

// docker-compose.yml works. Every service of rekey runs with the command, settings, secrets and
// key files of the file in an empty root. PostgreSQL and a Temporal server have its scripts and
// settings, and TLS with its certificates. A password is reset.
func TestComposeComesUp(t *testing.T) { //nolint:paralleltest // a Temporal server takes its settings from the environment
	suite.Long(t)
	s := newSite(t)
	database := s.startPostgres(t)
	s.makeSchema(t)
	s.startTemporal(t)
	s.makeNamespace(t)
	s.makeKeys(t)
	s.container(t, "setup").okay(t, s.Services["setup"].Command...)
	for range 2 {
		s.container(t, "migrate").okay(t, s.Services["migrate"].Command...)
	}
	mails := s.startInbox(t)
	for _, name := range []string{"worker", "worker2"} {
		s.run(t, name, "worker started")
	}
	s.run(t, "codec", "codec server listens")
	s.run(t, "starter", "starter listens")
	postgrestest.Exec(t, database.URL("rekey"), "INSERT INTO rekey.accounts (id, address, credential) VALUES ('1', '"+owner+"', '$argon2id$old')")
	s.reset(t, mails)
	var credential string
	admin(t, database, func(conn *pgx.Conn) error {
		return conn.QueryRow(t.Context(), "SELECT credential FROM rekey.accounts").Scan(&credential)
	}, "rekey")
	if !strings.HasPrefix(credential, "$argon2id$") {
		t.Errorf("the account has the credential %q", credential)
	}
	s.asksCodec(t)
	for _, name := range []string{"worker", "worker2", "starter", "codec"} {
		s.asksHealth(t, name)
	}
}

// makeKeys runs the job keys, twice as Compose does when it starts again.
func (s *site) makeKeys(t *testing.T) {
	t.Helper()
	c := s.container(t, "keys")
	c.write(t, "/keys/.keep", nil, 0o600)
	own(t, c.root+"/keys")
	for _, want := range []string{"made", "kept"} {
		if out := c.okay(t, s.Services["keys"].Command...); !strings.HasPrefix(out, want) {
			t.Errorf("%s, want %s", out, want)
		}
	}
	s.keys = c.root + "/keys"
}

// startInbox starts a mail server with the certificate of Mailpit.
func (s *site) startInbox(t *testing.T) *inbox.Inbox {
	t.Helper()
	mails, err := inbox.Start("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mails.Close() })
	s.secured(t, "mailpit", "1025", mails.SMTPAddr())
	return mails
}

// run starts a service and waits for its first output.
func (s *site) run(t *testing.T, name, says string) *process.Process {
	t.Helper()
	c := s.container(t, name)
	if strings.HasPrefix(name, "worker") {
		c.set("REKEY_SMTP_SECURITY", "tls") // the inbox has no STARTTLS
	}
	p := c.start(t, s.Services[strings.TrimSuffix(name, "2")].Command...)
	p.Await(t, p.Err, says)
	return p
}

var link = regexp.MustCompile(`/account/change-password/([\w-]+)`)

// reset resets the owner's password, over the port that the starter publishes.
func (s *site) reset(t *testing.T, mails *inbox.Inbox) {
	t.Helper()
	starter := "http://" + s.address("starter") + ":8080"
	choose(t, starter, ask(t, starter, owner, mails))
	if _, err := mails.Wait(t.Context(), owner, 2); err != nil { // the notice
		t.Fatal(err)
	}
}

// ask requests a mail for an address, its first one, and returns the token of its link.
func ask(t *testing.T, starter, address string, mails *inbox.Inbox) (token string) {
	t.Helper()
	if status, body := post(t, starter+"/account/forgot_password", "", `{"email":"`+address+`"}`); status != http.StatusOK {
		t.Fatalf("forgot password: %d %s", status, body)
	}
	got, err := mails.Wait(t.Context(), address, 1)
	if err != nil {
		t.Fatal(err)
	}
	found := link.FindStringSubmatch(got[0].Text)
	if found == nil {
		t.Fatalf("no link in the mail:\n%s", got[0].Text)
	}
	return found[1]
}

// choose takes a new password through a link until it is changed.
func choose(t *testing.T, starter, token string) {
	t.Helper()
	process.Eventually(t, patience, "the password is changed", func() bool {
		status, body := post(t, starter+"/account/reset_password/"+token, "", `{"password":"`+chose+`"}`)
		if status != http.StatusOK && status != http.StatusAccepted && status != http.StatusServiceUnavailable {
			t.Fatalf("reset password: %d %s", status, body)
		}
		return status == http.StatusOK
	})
}

// asksCodec checks that the codec server answers the bearer only.
func (s *site) asksCodec(t *testing.T) {
	t.Helper()
	url := "http://" + s.address("codec") + ":8081/decode"
	if status, body := post(t, url, "Bearer "+s.secret(t, "codec.bearer"), `{"payloads":[]}`); status != http.StatusOK {
		t.Errorf("with the bearer: %d %s", status, body)
	}
	if status, body := post(t, url, "Bearer x", `{"payloads":[]}`); status != http.StatusUnauthorized {
		t.Errorf("with another bearer: %d %s", status, body)
	}
}

func post(t *testing.T, url, authorization, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// asksHealth runs the health check of a service in a container of it, until it is a good one.
func (s *site) asksHealth(t *testing.T, name string) {
	t.Helper()
	test := s.Services[strings.TrimSuffix(name, "2")].HealthCheck.Test
	args := strings.Split(strings.ReplaceAll(strings.Join(test[2:], " "), "127.0.0.1", s.address(name)), " ")
	if test[0] != "CMD" || test[1] != "/rekey" {
		t.Fatalf("health check %q", test)
	}
	process.Succeeds(t, patience, "the health of "+name, func() error {
		p := s.container(t, name).start(t, args...)
		if code := p.Exit(t); code != 0 {
			return fmt.Errorf("%s: %s", name, p.Err)
		}
		return nil
	})
}
