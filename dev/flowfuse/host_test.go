package flowfuse

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// install is the folder with FlowFuse from npm. It is kept for later runs, under a name of
// what it holds. Without npm the test is skipped in the long suite too: rekey needs none.
func install(t *testing.T) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("there is no npm, which FlowFuse comes from")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(text)
	}
	dir := filepath.Join(cache, "rekey-test", "flowfuse-"+hex.EncodeToString(hash.Sum(nil)[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	half, err := os.MkdirTemp(filepath.Dir(dir), "half-") //nolint:usetesting // beside dir, so that it can be renamed
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(half) }()
	if err := os.CopyFS(half, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev")
	cmd.Dir = half
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(half, dir); err != nil && !errors.Is(err, fs.ErrExist) { // another run was faster
		t.Fatal(err)
	}
	return dir
}

// oldPassword is that of all of FlowFuse's users.
const oldPassword = "seven otters rowing home"

// startFlowFuse starts it with an administrator, ff-admin, and returns when it listens.
func startFlowFuse(t *testing.T, dir string, settings *strings.Replacer) {
	t.Helper()
	node := suite.Program(t, "node", "nodejs")
	text, err := os.ReadFile("testdata/flowforge.yml")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, folder := range []string{"etc", "var"} {
		if err := os.Mkdir(filepath.Join(home, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, "etc", "flowforge.yml"), []byte(settings.Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	p := process.Start(t, node, []string{"FLOWFORGE_HOME=" + home, "FF_ADMIN_PASSWORD=first " + oldPassword},
		filepath.Join(dir, "node_modules", "@flowfuse", "flowfuse", "forge", "app.js"))
	p.Await(t, p.Out, "FlowFuse is now running")
	p.Await(t, p.Out, "Connected to SMTP server") // or it offers no reset
}

// visitor uses FlowFuse's API with a session.
type visitor struct {
	url    string
	client *http.Client
}

func newVisitor(t *testing.T, url string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{url, &http.Client{Jar: jar}}
}

// ask sends a request and returns the answer.
func (v *visitor) ask(t *testing.T, method, path string, body map[string]any) (status int, answer map[string]any) {
	t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, v.url+path, sent)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := v.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
		}
	}
	return resp.StatusCode, answer
}

// must is ask for a request that FlowFuse accepts.
func (v *visitor) must(t *testing.T, method, path string, body map[string]any) map[string]any {
	t.Helper()
	status, answer := v.ask(t, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// signIn is the status of FlowFuse's own sign-in.
func (v *visitor) signIn(t *testing.T, user, password string) int {
	t.Helper()
	status, _ := v.ask(t, http.MethodPost, "/account/login", map[string]any{"username": user, "password": password})
	return status
}

// signedIn is the name of the user whose session FlowFuse accepts, empty for none.
func (v *visitor) signedIn(t *testing.T) string {
	t.Helper()
	status, user := v.ask(t, http.MethodGet, "/api/v1/user", nil)
	if status != http.StatusOK {
		return ""
	}
	return fmt.Sprint(user["username"])
}

// furnish switches FlowFuse's reset on and makes its users, as an administrator does.
func furnish(t *testing.T, url string) (admin *visitor, ids map[string]string) {
	t.Helper()
	admin, ids = newVisitor(t, url), map[string]string{}
	const first = "first " + oldPassword
	if status := admin.signIn(t, "ff-admin", first); status != http.StatusOK {
		t.Fatalf("the administrator's sign-in: %d", status)
	}
	admin.must(t, http.MethodPut, "/api/v1/user/change_password", map[string]any{"old_password": first, "password": oldPassword})
	admin.must(t, http.MethodPut, "/api/v1/settings", map[string]any{"user:reset-password": true})
	for _, name := range []string{"alice", "carol", "dave"} {
		user := admin.must(t, http.MethodPost, "/api/v1/users", map[string]any{
			"name": name, "username": name, "email": name + "@example.com", "password": oldPassword,
		})
		ids[name] = fmt.Sprint(user["id"])
	}
	return admin, ids
}
