package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/internal/signals"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// inboxTool is the program of a mail server, or of a file with accounts, which is this test.
const inboxTool = "rekey-inbox"

// machineInbox receives mails until it is stopped, or makes the file of accounts that it is given.
func machineInbox(args []string) error {
	if len(args) == 0 {
		mails, err := inbox.Start("127.0.0.1:1025", "127.0.0.1:8025")
		if err != nil {
			return err
		}
		<-signals.Context().Done()
		return mails.Close()
	}
	store, err := bolt.Open(args[0])
	if err != nil {
		return err
	}
	for _, name := range []string{"alice", "bob"} {
		a := account.Account{ID: name, Address: name + "@example.com", Credential: "$argon2id$x", Resettable: true}
		if err := store.Put(context.Background(), a); err != nil {
			return err
		}
	}
	return store.Close()
}

// The unit runs under systemd itself, as the first process of a machine of namespaces: with its
// sandbox, its user, its restarts and its watchdog. A backup is taken and put back there.
//
// security 44: the sandbox is there, and the product works in it.
func TestUnitRuns(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	const systemd = "/lib/systemd/systemd"
	if _, err := os.Stat(systemd); err != nil || os.Geteuid() != 0 {
		suite.Missing(t, "systemd, or root")
	}
	for _, program := range []string{"unshare", "curl", "ip", "useradd"} {
		suite.Program(t, program)
	}
	w := t.TempDir()
	out := filepath.Join(w, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := onePlain()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{"rekey": program, "inbox": self} {
		script(t, exec.CommandContext(t.Context(), "cp", from, filepath.Join(w, to)))
	}
	env := replaced(t, filepath.Join(root, "deploy/one/rekey.env"), []string{
		"https://accounts.example.com", "http://127.0.0.1:8080", "smtp.example.com", "127.0.0.1\nREKEY_SMTP_PORT=1025\nREKEY_SMTP_SECURITY=none",
		"REKEY_USERS_URL=https://www.example.com/rekey\nREKEY_USERS_SECRET_FILE=/etc/rekey/secrets/users.secret", "REKEY_STORE=/var/lib/rekey/accounts.db", "REKEY_STORE=/var/lib/rekey/records.db\n", "",
	})
	for to, text := range map[string]string{
		"rekey.service": replaced(t, filepath.Join(root, "deploy/one/rekey.service"), nil), "out/rekey.env": env,
		"machine.sh": replaced(t, "testdata/systemd/machine.sh", nil), "out/probe.sh": replaced(t, "testdata/systemd/probe.sh", nil),
	} {
		if err := os.WriteFile(filepath.Join(w, to), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	// A namespace of mounts around all of it, which ends with the processes.
	machine := exec.CommandContext(ctx, "unshare", "--mount", "sh", filepath.Join(w, "machine.sh"))
	machine.Env = append(os.Environ(), "W="+w)
	said, err := machine.CombinedOutput()
	probe, _ := os.ReadFile(filepath.Join(out, "said"))
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(probe)), "passed") {
		t.Errorf("%v\n%s%s", err, said, probe)
	}
	removeMachine(t, machine.Process.Pid)
}

// removeMachine removes the control groups of processes that have ended.
func removeMachine(t *testing.T, pid int) {
	t.Helper()
	where := t.TempDir()
	remove := fmt.Sprintf(`mount -t cgroup2 none "$0" && find "$0/rekey-%d" -depth -type d -exec rmdir {} +`, pid)
	if said, err := exec.CommandContext(context.WithoutCancel(t.Context()), "unshare", "--mount", "sh", "-c", remove, where).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}
