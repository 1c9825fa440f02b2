package operators

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/site"
)

// copyFile copies the file of a stopped process.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyDatabase copies a file of SQLite with its log.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(to + part); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if _, err := os.Stat(from + part); err == nil {
			copyFile(t, from+part, to+part)
		}
	}
}

// The accounts are restored to yesterday and Temporal is not. A link that was mailed since has
// no record any more and changes nothing. Its run goes on, and another link works.
func TestAccountsAreRestored(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	erin := r.People[0]
	yesterday := filepath.Join(t.TempDir(), "accounts.db")
	copyFile(t, r.File(), yesterday)
	worker := r.Worker(t)
	r.Starter(t)
	r.open(t, erin)

	stop(t, worker)
	copyFile(t, yesterday, r.File())
	worker = r.Worker(t)
	if a := r.Reset(t, r.Token(t, erin, 1), newPassword); a.HTTP != 503 || a.Code != "unavailable" {
		t.Errorf("a link without a record: %+v", a)
	}
	answered(t, r.afterCoolDown(t, 0, erin), "mailed: link 2 of 3")
	r.Insist(t, r.Token(t, erin, 2), newPassword)
	r.findUntil(t, erin.Address, "the run ends", inState("completed"))
	stop(t, worker)
	r.audited(t, erin, line{account.EventMailIssued, "a.smith", ""}, line{Event: account.EventPasswordChanged})
}

// Temporal is restored to yesterday and the accounts are not. A run that has ended since is
// open again and changes nothing twice. One that was begun since is gone with its link.
func TestTemporalIsRestored(t *testing.T) {
	t.Parallel()
	r := roomAt(t, site.New(t))
	erin, frank := r.People[0], r.People[1]
	worker := r.Worker(t)
	r.Starter(t)
	r.open(t, erin)
	runs, yesterday := filepath.Join(r.Dir, "temporal.db"), filepath.Join(t.TempDir(), "temporal.db")
	r.StopTemporal(t)
	copyDatabase(t, runs, yesterday)
	r.StartTemporal(t)
	r.insist(t, erin, 1)
	r.findUntil(t, erin.Address, "the run ends", inState("completed"))
	r.open(t, frank)

	r.StopTemporal(t)
	copyDatabase(t, yesterday, runs)
	r.StartTemporal(t)
	r.findUntil(t, erin.Address, "the run is open again", inState("awaiting_token"))
	r.insist(t, erin, 1)
	r.findUntil(t, erin.Address, "the run ends again", inState("completed"))
	if a := r.Reset(t, r.Token(t, frank, 1), newPassword); a.Code != "link_expired" {
		t.Errorf("a link whose run is gone: %+v", a)
	}
	r.Forgot(t, frank)
	r.insist(t, frank, 2)
	r.findUntil(t, frank.Address, "the run ends", inState("completed"))
	stop(t, worker)
	r.audited(t, erin, line{Event: account.EventMailIssued}, line{Event: account.EventPasswordChanged})
	r.audited(t, frank, line{Event: account.EventMailIssued}, line{Event: account.EventMailIssued}, line{Event: account.EventPasswordChanged})
}

// open requests a link and waits until it is mailed.
func (r *room) open(t *testing.T, who account.Account) {
	t.Helper()
	r.Forgot(t, who)
	r.Token(t, who, 1)
	r.findUntil(t, who.Address, "the run waits", inState("awaiting_token"))
}

// insist uses the link of the n-th mail.
func (r *room) insist(t *testing.T, who account.Account, n int) {
	t.Helper()
	r.Insist(t, r.Token(t, who, n), newPassword)
}
