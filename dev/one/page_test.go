package one

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/password"
)

// The example settings of deploy/one start a machine beside an application behind a URL. A reset on
// it ends there, and the commands of
// docs/deploy/one.md work as they are.
func TestPage(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	app := hostapp.New()
	for _, a := range s.People {
		if err := app.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(app)
	defer server.Close()
	etc := t.TempDir()
	bin := filepath.Join(etc, "rekey")
	if err := os.Symlink(s.Path, bin); err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../deploy/one/rekey.env")
	if err != nil {
		t.Fatal(err)
	}
	page := site.ReadPage(t, "../../docs/deploy/one.md")
	page.Here = strings.NewReplacer(
		"/etc/rekey/secrets", etc, "/etc/rekey", etc, "/var/lib/rekey", s.Dir, "/var/backups", etc, "sudo -u rekey ", "", "sudo ", "",
		"https://accounts.example.com", s.URL, "https://www.example.com/rekey", server.URL+"/rekey", "smtp.example.com", s.Setting("REKEY_SMTP_HOST"),
		"alice@example.com", s.People[1].Address, "127.0.0.1:9090", "127.0.0.1:0",
	)
	more := []string{
		"REKEY_SMTP_PORT=" + s.Setting("REKEY_SMTP_PORT"), "REKEY_SMTP_SECURITY=none", "REKEY_LISTEN=" + s.Setting("REKEY_LISTEN"),
		"REKEY_UI_LISTEN=" + s.Setting("REKEY_UI_LISTEN"), "REKEY_TEMPORAL_LISTEN=" + s.TemporalAddr,
	}
	for name, text := range map[string]string{
		"rekey.env":     page.Here.Replace(string(example)) + strings.Join(more, "\n"),
		"users.secret":  hostapp.Secret(hostapp.Key),
		"smtp.password": "any",
	} {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text+"\n"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	s.Path, s.Env = bin, nil
	p := s.Shell(t, s.Dir, "set -a; . "+etc+"/rekey.env; exec rekey one")
	p.Await(t, p.Err, `"rekey one is ready"`)
	erin, frank := s.People[0], s.People[1]
	s.Forgot(t, erin)
	s.Forgot(t, frank)
	token := s.Token(t, erin, 1)
	s.Token(t, frank, 1)
	s.Type(t, page.Block(t, "sh", "rekey_op()"))
	s.Insist(t, token, newPassword)
	s.Mails(t, erin, 2)
	s.Type(t, page.Block(t, "sh", "/var/backups/monday")+"test -f "+etc+"/monday/records.db\n")
	stop(t, p)
	now, err := app.Account(t.Context(), erin.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, newPassword); !right || err != nil {
		t.Errorf("the application has another password: %v", err)
	}
}
