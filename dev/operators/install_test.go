package operators

import (
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// install has a Temporal server, a database and a mail server, and of rekey nothing but the
// program. The commands of the page lead to a whole reset.
func (s *section) install(t *testing.T) {
	t.Helper()
	database := postgrestest.Database(t)
	host, port, err := net.SplitHostPort(s.Mail.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	s.here = strings.NewReplacer(
		"127.0.0.1:7233", s.TemporalAddr, "postgres://rekey@127.0.0.1:5432/app", "'"+database+"'", "mail.example.com", host,
		"https://accounts.example.com", s.URL,
	)
	// A mail server on loopback has no certificate; and the port of the page may be busy.
	s.Env = []string{"REKEY_SMTP_PORT=" + port, "REKEY_SMTP_SECURITY=none", "REKEY_LISTEN=" + strings.TrimPrefix(s.URL, "http://")}
	s.after = func(t *testing.T, text string) {
		t.Helper()
		who := site.Person("heidi")
		postgrestest.Exec(t, database, "INSERT INTO rekey.accounts (id, address, credential) VALUES ('"+who.ID+"', '"+who.Address+"', '"+who.Credential+"')")
		exports := strings.Join(regexp.MustCompile(`(?m)^export .*$`).FindAllString(text, 2), "\n")
		for command, says := range map[string]string{"worker": `"worker started"`, "starter": `"starter listens"`} {
			line := regexp.MustCompile(`(?m)^(rekey ` + command + ` --keys .*)$`).FindString(text)
			p := s.shell(t, exports+"\nexec "+line)
			p.Await(t, p.Err, says)
		}
		s.Forgot(t, who)
		s.Reset(t, s.Token(t, who, 1), newPassword)
	}
}
