package one

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/password"
)

const newPassword = "nine lanterns over the bay"

// stop stops a process as its operator does.
func stop(t *testing.T, p *process.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// secret is the operators' secret of a folder.
func secret(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "operator.secret"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// ask sends a request to the address of the UI and returns the answer.
func ask(t *testing.T, s *site.Site, method, path, body string, change func(*http.Request)) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Setting("REKEY_UI_LISTEN")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	change(r)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// changed reports whether an account has the new password. Nothing runs meanwhile.
func changed(t *testing.T, s *site.Site, who account.Account) (yes bool) {
	t.Helper()
	s.Open(t, func(store *bolt.Store) {
		now, err := store.Account(t.Context(), who.ID)
		if err != nil {
			t.Fatal(err)
		}
		if yes, err = password.Verify(now.Credential, newPassword); err != nil {
			t.Fatal(err)
		}
	})
	return yes
}

// An empty folder becomes a machine. A reset on it is found, canceled, sent again and completed by
// the commands that operators have elsewhere, with the folder's own profile of Temporal.
func TestReset(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	if err := os.RemoveAll(s.Keys()); err != nil { // the first start makes them
		t.Fatal(err)
	}
	p := s.StartOne(t, site.Ops)
	erin, frank := s.People[0], s.People[1]
	s.Forgot(t, erin)
	s.Forgot(t, frank)
	token := s.Token(t, erin, 1)
	s.Token(t, frank, 1)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"list"}, "reset/"},
		{[]string{"find", erin.Address}, "reset/"},
		{[]string{"cancel", "--as", "a.smith", frank.Address}, "canceled"},
		{[]string{"stats"}, "OPEN"},
		{[]string{"replay"}, "0 diverge"},
		{[]string{"setup"}, "RekeyState"},
	} {
		if out := s.Run(t, 0, tc.args...).Out.String(); !strings.Contains(out, tc.want) {
			t.Errorf("rekey %v: %s, want %q", tc.args, out, tc.want)
		}
	}
	s.Insist(t, token, newPassword)
	s.Mails(t, erin, 2)
	process.Succeeds(t, s.Patience, "all checks are up", func() error {
		status, report := site.Probe(t, p, "/readyz")
		if status != http.StatusOK || !strings.Contains(report, `{"status":"ready","checks":{"accounts":"up","mail":"up","peers":"up","starter":"up","temporal":"up"}}`) {
			return io.ErrUnexpectedEOF
		}
		return nil
	})
	stop(t, p)
	if !changed(t, s, erin) || changed(t, s, frank) {
		t.Error("the wrong passwords were changed")
	}
}

// withRun is a site that runs, with a reset that waits for its link to be used, and its owner.
func withRun(t *testing.T) (s *site.Site, owner account.Account) {
	t.Helper()
	s = site.One(t)
	s.StartOne(t)
	owner = s.People[0]
	s.Forgot(t, owner)
	s.Token(t, owner, 1)
	return s, owner
}

// security 27: other users of the machine reach neither the server nor its UI, nor payloads.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s, erin := withRun(t)
	alone := s.Start(t, []string{"TEMPORAL_CONFIG_FILE=" + os.DevNull, "TEMPORAL_ADDRESS=" + s.TemporalAddr}, "list")
	if code := alone.Exit(t); code == 0 {
		t.Errorf("without the folder's certificate: %s", alone.Out)
	}
	run := "/api/v1/namespaces/default/workflows/" + s.WorkflowID(t, erin)
	for _, path := range []string{"/", "/api/v1/namespaces", "/api/v1/settings", run} {
		if status, text := ask(t, s, http.MethodGet, path, "", func(*http.Request) {}); status != http.StatusUnauthorized {
			t.Errorf("GET %s: %d %s", path, status, text)
		}
	}
	if status, text := ask(t, s, http.MethodPost, "/codec/decode", "{}", func(*http.Request) {}); status != http.StatusUnauthorized {
		t.Errorf("decode: %d %s", status, text)
	}
	if info, err := os.Stat(filepath.Join(s.Dir, "rekey.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket of backups: %v, %v", info.Mode(), err)
	}
}

// An operator reads a run in the UI with their name and the secret, and its payloads by the codec
// server beside it.
func TestOperatorInTheUI(t *testing.T) {
	t.Parallel()
	s, erin := withRun(t)
	operator := func(r *http.Request) { r.SetBasicAuth("olga", secret(t, s.Dir)) }
	if status, text := ask(t, s, http.MethodGet, "/", "", operator); status != http.StatusOK || !strings.Contains(text, "<html") {
		t.Errorf("UI: %d %s", status, text)
	}
	if status, text := ask(t, s, http.MethodGet, "/api/v1/settings", "", operator); !strings.Contains(text, `"Endpoint":"http://`+s.Setting("REKEY_UI_LISTEN")+`/codec"`) {
		t.Errorf("settings: %d %s", status, text)
	}
	events := s.Dial(t).GetWorkflowHistory(t.Context(), s.WorkflowID(t, erin), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := protojson.Marshal(first.GetWorkflowExecutionStartedEventAttributes().GetInput())
	if err != nil {
		t.Fatal(err)
	}
	for name, who := range map[string]func(*http.Request){
		"page": func(r *http.Request) {
			operator(r)
			r.Header.Set("Origin", "http://"+s.Setting("REKEY_UI_LISTEN"))
		},
		"command line": func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret(t, s.Dir)) },
	} {
		status, text := ask(t, s, http.MethodPost, "/codec/decode", string(sealed), who)
		var opened commonpb.Payloads
		if err := protojson.Unmarshal([]byte(text), &opened); err != nil || status != http.StatusOK {
			t.Fatalf("decode by the %s: %d %s %v", name, status, text, err)
		}
		if !bytes.Contains(opened.GetPayloads()[0].GetData(), []byte(erin.Address)) {
			t.Errorf("decoded by the %s: %s", name, opened.GetPayloads()[0].GetData())
		}
	}
}

// security 27: a page of another site, in the browser of an operator that sends the secret along,
// ends no run.
func TestPagesOfOthersEndNoRun(t *testing.T) {
	t.Parallel()
	s, erin := withRun(t)
	terminate := func(from, token string) int {
		status, text := ask(t, s, http.MethodPost, "/api/v1/namespaces/default/workflows/"+strings.ReplaceAll(s.WorkflowID(t, erin), "/", "%2F")+"/terminate", "{}", func(r *http.Request) {
			r.SetBasicAuth("olga", secret(t, s.Dir))
			r.Header.Set("Sec-Fetch-Site", from)
			if token != "" {
				r.AddCookie(&http.Cookie{Name: "_csrf", Value: token})
				r.Header.Set("X-CSRF-Token", token)
			}
		})
		if status != http.StatusOK {
			t.Log(text)
		}
		return status
	}
	if status := terminate("cross-site", ""); status != http.StatusForbidden && status != http.StatusBadRequest {
		t.Errorf("status %d", status)
	}
	if got := s.State(t, s.Dial(t), erin); got != "" {
		t.Errorf("the run ended %s", got)
	}
	if status := terminate("same-origin", strings.Repeat("a", 32)); status != http.StatusOK {
		t.Errorf("from the UI's own page: status %d", status)
	}
}

// reason is the error with which a process ended that must not start.
func reason(t *testing.T, p *process.Process) string {
	t.Helper()
	if code := p.Exit(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	lines := strings.Split(strings.TrimSpace(p.Err.String()), "\n")
	return lines[len(lines)-1]
}

// A second process on the same folder ends, and the first goes on.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	p := s.StartOne(t)
	more := []string{"REKEY_TEMPORAL_LISTEN=" + site.FreeAddr(t), "REKEY_UI_LISTEN=" + site.FreeAddr(t), "REKEY_LISTEN=" + site.FreeAddr(t)}
	if why := reason(t, s.Start(t, more, "one")); !strings.Contains(why, "--data ($REKEY_DATA): another process uses this folder") {
		t.Errorf("it says %s", why)
	}
	s.Forgot(t, s.People[0])
	s.Token(t, s.People[0], 1)
	stop(t, p)
}

// security 24, 41: keysets for development, files of secrets that others read and folders of
// others are refused when the process starts, and so is an address that is in use.
func TestStartsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*testing.T, *site.Site)
		want  string
	}{
		"keysets for development": {func(t *testing.T, s *site.Site) {
			t.Helper()
			dev := filepath.Join("..", "..", "workflow", "testdata", "keys")
			if err := os.RemoveAll(s.Keys()); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(s.Keys(), os.DirFS(dev)); err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(s.Keys(), "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if err := os.Chmod(f, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}, "for development only"},
		"a keyset for everybody": {func(t *testing.T, s *site.Site) {
			t.Helper()
			if err := os.Chmod(filepath.Join(s.Keys(), "link.json"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "chmod 0600"},
		"a folder for everybody": {func(t *testing.T, s *site.Site) {
			t.Helper()
			if err := os.Chmod(s.Dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}, "--data ($REKEY_DATA): other users may open this folder of secrets: run `chmod 700 "},
		"the starter's address": {func(t *testing.T, s *site.Site) {
			t.Helper()
			s.Env = append(s.Env, "REKEY_LISTEN="+s.Mail.SMTPAddr())
		}, "starter: --listen ($REKEY_LISTEN)"},
		"the UI's address": {func(t *testing.T, s *site.Site) {
			t.Helper()
			s.Env = append(s.Env, "REKEY_UI_LISTEN="+s.Mail.SMTPAddr())
		}, "--ui-listen ($REKEY_UI_LISTEN)"},
		"Temporal's address": {func(t *testing.T, s *site.Site) {
			t.Helper()
			s.Env = append(s.Env, "REKEY_TEMPORAL_LISTEN="+s.Mail.SMTPAddr())
		}, "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := site.One(t)
			tc.spoil(t, s)
			if why := reason(t, s.Start(t, nil, "one")); !strings.Contains(why, tc.want) {
				t.Errorf("it says %s, want %q", why, tc.want)
			}
		})
	}
}

// ends are the parts that have stopped, in the order of the log.
func ends(t *testing.T, p *process.Process) (order []string) {
	t.Helper()
	for line := range strings.Lines(p.Err.String()) {
		var said struct{ Message string }
		if json.Unmarshal([]byte(line), &said) == nil && strings.HasSuffix(said.Message, " stopped") {
			order = append(order, strings.TrimSuffix(said.Message, " stopped"))
		}
	}
	return order
}
