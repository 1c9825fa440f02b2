package operators

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/password"
)

// reason is why passwords are taken away.
const reason = "A copy of our password hashes was stolen."

// hashed is a person whose hash can be blocked.
func hashed(name string) account.Account {
	who := site.Person(name)
	who.Credential = password.Params{Memory: 64, Time: 1, Threads: 1}.Hash("seven otters rowing home", make([]byte, 16))
	return who
}

// An operator forces one account: the answer says what became of it.
func TestForceOneAccount(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	ida, sso := hashed("ida"), hashed("sso")
	sso.Resettable = false
	r.Put(t, ida, sso)
	r.Worker(t)
	force := func(code int, address string) *process.Process {
		t.Helper()
		return r.operate(t, code, "force", address, "--reason", reason)
	}
	answered(t, force(0, ida.Address), "blocked and mailed")
	if text := r.Mails(t, ida, 1)[0].Text; !strings.Contains(text, reason) {
		t.Errorf("the mail does not say why:\n%s", text)
	}
	answered(t, force(0, ida.Address), "blocked and mailed") // it may have another password by now
	answered(t, force(3, sso.Address), "refused: not_resettable; the password still works")
	answered(t, force(3, "nobody@example.com"), "refused: no_account")
	answered(t, r.operate(t, 2, "force", ida.Address, "--reason", " "), "--reason")
	answered(t, r.operate(t, 2, "force", ida.Address, "--all", "--reason", reason), "want one of")
	answered(t, r.operate(t, 2, "force", "--all", "--reason", reason, "--rate", "9000/s"), "--rate")
}

// security 52: a campaign goes on after kill -9 of its workers. Each account is forced once, and gets
// one mail, of which a killed worker may send a copy. No campaign starts without a confirmation.
func TestForceEverybody(t *testing.T) {
	t.Parallel()
	const crowd = 60
	r := newRoom(t)
	var all []account.Account
	for n := range crowd {
		all = append(all, hashed(fmt.Sprintf("guest%02d", n)))
	}
	r.Put(t, all...)
	w := r.Worker(t)
	answered(t, r.operate(t, 1, "force", "--all", "--reason", reason), "--yes")
	answered(t, r.operate(t, 3, "force", "status"), "no campaign")
	r.operate(t, 0, "force", "--all", "--reason", reason, "--rate", "5/s", "--yes")
	answered(t, r.operate(t, 3, "force", "--all", "--reason", reason, "--yes"), "a campaign is going on")
	status := func() (c operator.Campaign) {
		t.Helper()
		decode(t, r.operate(t, 0, "force", "status", "--json"), &c)
		return c
	}
	process.Eventually(t, patience, "a part of the campaign", func() bool { return status().Started > crowd/10 })
	w.Kill(t)
	w = r.Worker(t)
	answered(t, r.operate(t, 0, "force", "pause"), "paused")
	answered(t, r.operate(t, 0, "force", "rate", "200/s"), "200/s")
	answered(t, r.operate(t, 0, "force", "resume"), "running")
	answered(t, r.operate(t, 0, "force", "status", "--watch"), "completed")
	end := status()
	if total := crowd + len(r.People); end.Started+end.Unfit != total || end.Failed+end.Left != 0 {
		t.Errorf("of %d accounts: %+v", total, end)
	}
	for n, who := range all {
		mails := map[string]bool{} // a worker that was killed after a mail sends a copy, under the same ID
		for _, m := range r.Mails(t, who, 1) {
			mails[m.MessageID] = true
		}
		if len(mails) != 1 {
			t.Errorf("%s has %d mails", who.ID, len(mails))
		}
		if n%10 != 0 { // a command takes a while
			continue
		}
		if runs := r.find(t, who.Address); len(runs) != 1 || !strings.HasPrefix(runs[0].ID, "forced-reset/") {
			t.Errorf("%s has the runs %+v", who.ID, runs)
		}
	}
	w.Kill(t)
	r.Open(t, func(s *bolt.Store) {
		for _, who := range all {
			now, err := s.Account(t.Context(), who.ID)
			if err != nil || now.Credential == who.Credential || account.Form(now.Credential) != account.Form(who.Credential) {
				t.Errorf("%s has the hash %s: %v", who.ID, now.Credential, err)
			}
		}
	})
}

// A backend starts a campaign, with the setting, and sees its end.
func TestBackendForcesEverybody(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	who := hashed("ida")
	r.Put(t, who)
	r.Worker(t)
	const bearer = "0123456789abcdef0123456789abcdef"
	tokens, addr := filepath.Join(r.Dir, "tokens"), site.FreeAddr(t)
	if err := os.WriteFile(tokens, []byte(bearer), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Starter(t, "REKEY_BACKENDS_LISTEN="+addr, "REKEY_BACKENDS_TOKEN_FILE="+tokens, "REKEY_BACKENDS_CAMPAIGNS=true")
	ask := func(path, body string) (code int, now operator.Campaign) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/v1/campaigns"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/json")
		q.Header.Set("Authorization", "Bearer "+bearer)
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		var shown struct{ Campaign operator.Campaign }
		if err := json.NewDecoder(a.Body).Decode(&shown); err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, shown.Campaign
	}
	if code, _ := ask("/status", "{}"); code != http.StatusConflict {
		t.Errorf("no campaign: %d", code)
	}
	if code, _ := ask("", `{"all":"true","reason":"a leak","rate":"50/s"}`); code != http.StatusAccepted {
		t.Errorf("a campaign: %d", code)
	}
	process.Eventually(t, patience, "the end of the campaign", func() bool {
		_, now := ask("/status", "{}")
		return now.State == "completed" && now.Started == 1+len(r.People) && now.Operator == "backend-token-1"
	})
	if text := r.Mails(t, who, 1)[0].Text; !strings.Contains(text, "a leak") {
		t.Errorf("the mail does not say why:\n%s", text)
	}
	if code, _ := ask("/cancel", "{}"); code != http.StatusConflict {
		t.Errorf("a cancel after the end: %d", code)
	}
}
