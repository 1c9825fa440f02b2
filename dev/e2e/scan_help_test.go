package e2e

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// scan is a site whose people, links and passwords can be recognized in any text. It has all
// output of its programs and its starters.
type scan struct {
	*site.Site
	owner, other, bounced, damaged account.Account

	programs []*process.Process
	traces   *site.Collector
	metrics  strings.Builder
	tokens   []string
	answers  bytes.Buffer // all but pages
	pages    bytes.Buffer // shown to a holder of the link, with the form to use it
}

// newScan makes the site. Its accounts are there already, and one of them is damaged.
func newScan(t *testing.T) *scan {
	t.Helper()
	s := &scan{Site: site.New(t)}
	person := func(name string) account.Account {
		salt := sha256.Sum256([]byte(name))
		return account.Account{
			ID: "id-" + name, Address: "scanned." + name + "@example.com", Notify: []string{"scanned.also." + name + "@example.com"},
			Credential: cheap.Hash(scannedOld, salt[:16]), Resettable: true,
		}
	}
	s.owner, s.other, s.bounced, s.damaged = person("owner"), person("other"), person("bounced"), person("damaged")
	s.Open(t, func(store *bolt.Store) {
		if err := store.PutMany(t.Context(), []account.Account{s.owner, s.other, s.bounced, s.damaged}); err != nil {
			t.Fatal(err)
		}
	})
	file, err := os.ReadFile(s.File())
	if err != nil {
		t.Fatal(err)
	}
	good, bad := `"Address":"`+s.damaged.Address+`"`, `"Address":1`+s.damaged.Address+`"`
	if !bytes.Contains(file, []byte(good)) {
		t.Fatal("the account is not in the file")
	}
	if err := os.WriteFile(s.File(), bytes.ReplaceAll(file, []byte(good), []byte(bad)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.traces = site.NewCollector(t)
	s.Env = append(
		s.Env, "REKEY_CLIENT_LIMIT=0", "REKEY_BREACHED_URL=http://"+site.FreeAddr(t)+"/range", site.Ops,
	)
	s.Env = append(s.Env, s.traces.Env...)
	return s
}

// program starts one of the processes and waits until it works.
func (s *scan) program(t *testing.T, env []string, command, says string) *process.Process {
	t.Helper()
	p := s.Start(t, env, command)
	s.programs = append(s.programs, p)
	p.Await(t, p.Err, says)
	return p
}

// links are the tokens of a mail.
type links struct{ reset, cancel string }

// links requests a mail and waits for it.
func (s *scan) links(t *testing.T, who account.Account, media, body string) links {
	t.Helper()
	s.ask(t, 200, "POST", "/account/forgot_password", media, body)
	text := s.Mails(t, who, 1)[0].Text
	s.remember(text)
	return links{site.ResetLink.FindStringSubmatch(text)[1], cancelLink.FindStringSubmatch(text)[1]}
}

// remember looks for tokens.
func (s *scan) remember(text string) {
	for _, m := range slices.Concat(site.ResetLink.FindAllStringSubmatch(text, -1), cancelLink.FindAllStringSubmatch(text, -1)) {
		s.tokens = append(s.tokens, m[1])
	}
}

const (
	asJSON    = "application/json"
	asForm    = "application/x-www-form-urlencoded"
	crossSite = asForm + ";" // a form that another site's page posts
)

// ask sends a request and keeps the answer.
func (s *scan) ask(t *testing.T, status int, method, path, media, body string) {
	t.Helper()
	s.askAt(t, s.URL, &s.answers, status, method, path, media, body)
}

// askAsHolder submits the form of a page, whose next page has the token in its form again.
func (s *scan) askAsHolder(t *testing.T, status int, body string) {
	t.Helper()
	s.askAt(t, s.URL, &s.pages, status, "POST", "/account/reset_password", asForm, body)
}

func (s *scan) askAt(t *testing.T, base string, bodies io.Writer, status int, method, path, media, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", media)
	if media == crossSite {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		t.Errorf("%s %s: status %d, want %d", method, path, resp.StatusCode, status)
	}
	fmt.Fprintf(&s.answers, "%s %s\n", resp.Proto, resp.Status)
	if err := resp.Header.Write(&s.answers); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(bodies, resp.Body); err != nil {
		t.Fatal(err)
	}
}

func jsonOf(pairs ...string) string {
	object := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		object[pair[0]] = pair[1]
	}
	b, err := json.Marshal(object)
	if err != nil {
		panic(err) // not reached: texts marshal
	}
	return string(b)
}

func formOf(pairs ...string) string {
	form := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		form.Set(pair[0], pair[1])
	}
	return form.Encode()
}

// check looks for everything everywhere, once all has stopped.
func (s *scan) check(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	for _, p := range s.programs {
		log.WriteString(p.Out.String() + p.Err.String())
	}
	temporal, store := files(t, s.Dir, "temporal.db"), files(t, s.Dir, "accounts.db")
	s.checkKept(t, temporal, store, log.Bytes())

	nobody := "scanned.nobody@example.com"
	secrets := slices.Concat(s.linkSecrets(t), passwordSecrets())
	personal := slices.Concat([]string{nobody}, s.hashSecrets(t))
	for _, a := range []account.Account{s.owner, s.other, s.bounced, s.damaged} {
		personal = append(personal, a.Address, a.Notify[0])
	}
	all := slices.Concat(secrets, personal)
	absent(t, "Temporal's file", temporal, all)
	absent(t, "a log", log.Bytes(), all)
	absent(t, "an answer", s.answers.Bytes(), all)
	absent(t, "a metric", []byte(s.metrics.String()), all)
	absent(t, "a trace", s.traces.Sent(), all)
	absent(t, "a page", s.pages.Bytes(), slices.Concat(passwordSecrets(), s.hashSecrets(t)))
	absent(t, "the account store", store, append(secrets, nobody))
}

// checkKept checks that the scanned data is the data of the flow.
func (s *scan) checkKept(t *testing.T, temporal, store, log []byte) {
	t.Helper()
	accounts, err := keys.Open(filepath.Join(s.Dir, "keys")).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	for name, place := range map[string]struct {
		in    []byte
		holds []string
	}{
		"Temporal's file":   {temporal, []string{workflow.ResetPassword.ID(accounts.Key(s.owner.Address)), workflow.ResetPassword.ID(accounts.Key(s.bounced.Address))}},
		"the account store": {store, []string{s.owner.Address, "password_changed"}},
		"the log": {log, []string{
			`"level":"debug"`, "/account/reset_password/{token}", "data breaches", "reply code 451", "the account store is damaged", "unavailable",
		}},
		"the answers": {s.answers.Bytes(), []string{
			"link_used", "This reset was canceled", "link_invalid", "unavailable", "password_too_weak", "password_too_long", "body_too_large", "403 Forbidden",
		}},
		"the pages": {s.pages.Bytes(), []string{`name="token"`}},
		"the metrics": {[]byte(s.metrics.String()), []string{
			`code="link_invalid"`, `http_route="/account/reset_password/{token}"`, `event="password_changed"`, "temporal_request_failure_total",
		}},
		"the traces": {s.traces.Sent(), []string{
			"POST /account/reset_password/{token}", "RunActivity:send-email", "mail link", "store change_password", "password_too_weak", "fault",
		}},
	} {
		for _, text := range place.holds {
			if !bytes.Contains(place.in, []byte(text)) {
				t.Errorf("%s has no %q, so what is not found there proves little", name, text)
			}
		}
	}
}

// linkSecrets are the tokens, the most of each, its bytes, and the key of its record.
func (s *scan) linkSecrets(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, token := range s.tokens {
		digest := sha256.Sum256([]byte(raw(t, token)))
		all = append(all, token, token[20:100], raw(t, token), string(digest[:]))
	}
	return all
}

// passwordSecrets are the passwords and their digests.
func passwordSecrets() []string {
	var all []string
	for _, p := range []string{scannedOld, scannedNew, scannedOther, scannedWeak} {
		sum := sha1.Sum([]byte(p))
		digits := hex.EncodeToString(sum[:])
		all = append(all, p, string(sum[:]), digits[:20], digits[5:25], "/range/"+digits[:5])
	}
	return all
}

// hashSecrets are the hashes of before and after, with their salts, whole and in parts.
func (s *scan) hashSecrets(t *testing.T) []string {
	t.Helper()
	all := []string{"$argon2id$v=19$m="}
	s.Open(t, func(store *bolt.Store) {
		now, err := store.Account(t.Context(), s.owner.ID)
		if err != nil || now.Credential == s.owner.Credential {
			t.Fatalf("the password was not changed: %v", err)
		}
		for _, hash := range []string{now.Credential, s.owner.Credential, s.other.Credential} {
			parts := strings.Split(hash, "$")
			all = append(all, hash, parts[len(parts)-1], parts[len(parts)-2])
		}
	})
	return all
}
