package e2e

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/statemachine"
)

// A reader of Temporal's database, or of a backup of it, learns no address, no link and no
// hash. The log, at debug level, holds none either. The account store has its own addresses and
// hashes, and no link.
//
// security 11, 28.
func TestNothingIsToldByWhatIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	cfg := config(dir)
	cfg.Memory = false
	cfg.Log = zerolog.New(zerolog.SyncWriter(&log))
	s, err := stack.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	who := newPerson(t, s, func(a *account.Account) { a.Notify = []string{"marked.other@example.com"} })
	forgot(t, s, who.Address)
	token, cancel := tokens(t, s, who.Address, 1)
	reset(t, s, token, "short")
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	now, err := s.Store.Account(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	runID := workflowID(t, s, who.Address)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}

	links := []string{token, cancel, raw(t, token), raw(t, cancel)}
	passwords := []string{newPassword, demo.Password}
	personal := append([]string{who.Address, who.Notify[0], now.Credential, lastField(now.Credential), who.Credential}, passwords...)

	temporal := files(t, dir, "temporal.db")
	if !bytes.Contains(temporal, []byte(runID)) {
		t.Fatal("the run is not in the database: what is not found there proves nothing")
	}
	absent(t, "Temporal's database", temporal, append(personal, links...))
	if !bytes.Contains(log.Bytes(), []byte("/account/reset_password/{token}")) {
		t.Fatal("the request is not in the log")
	}
	absent(t, "the log", log.Bytes(), append(personal, links...))
	absent(t, "the account store", files(t, dir, "accounts.db"), append(links, passwords...))
}

// files reads a file and those beside it whose names begin alike (SQLite's log).
func files(t *testing.T, dir, name string) []byte {
	t.Helper()
	found, err := fs.Glob(os.DirFS(dir), name+"*")
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", name, found, err)
	}
	var all []byte
	for _, f := range found {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func raw(t *testing.T, token string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// lastField is the hash in a PHC string.
func lastField(phc string) string { return phc[strings.LastIndexByte(phc, '$')+1:] }
