package one

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/site"
)

// A backup of the running process is a machine of its own: an open reset goes on there, on the
// folder that was put back. One that is damaged does not start.
func TestBackup(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	p := s.StartOne(t)
	erin := s.People[0]
	s.Forgot(t, erin)
	token := s.Token(t, erin, 1)
	copied := filepath.Join(t.TempDir(), "monday")
	if out := s.Run(t, 0, "one", "backup", copied).Out.String(); !strings.Contains(out, copied+" has a backup of "+s.Dir) {
		t.Errorf("it says %s", out)
	}
	stop(t, p)
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.CopyFS(damaged, os.DirFS(copied)); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(damaged, "accounts.db"), 100); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	moved := func(dir string) []string {
		return []string{"REKEY_DATA=" + dir, "REKEY_STORE=" + filepath.Join(dir, "accounts.db"), "REKEY_KEYS=" + filepath.Join(dir, "keys")}
	}
	if why := reason(t, s.Start(t, moved(damaged), "one")); !strings.Contains(why, filepath.Join(damaged, "accounts.db")) {
		t.Errorf("it says %s", why)
	}
	s.Dir, s.Env = copied, append(s.Env, moved(copied)...)
	p = s.StartOne(t)
	p.Await(t, p.Err, "the folder is a backup that was put back")
	s.Insist(t, token, newPassword)
	s.Mails(t, erin, 2)
	stop(t, p)
	if !changed(t, s, erin) {
		t.Error("the password was not changed")
	}
	if p := s.Run(t, 1, "one", "backup", filepath.Join(t.TempDir(), "tuesday")); !strings.Contains(p.Err.String(), "no rekey runs on this folder") {
		t.Errorf("without a process: %s", p.Err)
	}
}
