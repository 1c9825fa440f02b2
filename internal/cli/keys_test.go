package cli

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/keys"
)

// TestRotation walks through the life of a key and compares all output.
func TestRotation(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	var said strings.Builder
	say := func(args ...string) string {
		out := okay(t, args...)
		said.WriteString("$ rekey " + strings.Join(args, " ") + "\n" + out)
		return out
	}
	say("keys", "new", dir)
	old := primary(t, dir, "link")
	say("keys", "list", dir)
	id := regexp.MustCompile(`added key (\d+) `).FindStringSubmatch(say("keys", "add", dir, "link"))[1]
	if got := primary(t, dir, "link"); got != old {
		t.Errorf("an added key is the primary one")
	}
	say("keys", "promote", dir, "link", id)
	if got := primary(t, dir, "link"); got != id {
		t.Errorf("primary key %s, want the promoted %s", got, id)
	}
	say("keys", "retire", "--early", dir, "link", old)
	say("keys", "list", dir)
	golden.Check(t, "rotation.golden", stable(said.String(), dir))
}

// primary is the ID of a keyset's primary key, as list shows it.
func primary(t *testing.T, dir, use string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + use + ` +(\d+) +true`).FindStringSubmatch(okay(t, "keys", "list", dir))
	if m == nil {
		t.Fatalf("no primary key of %s", use)
	}
	return m[1]
}

// stable replaces the parts that differ from run to run.
func stable(s, dir string) string {
	s = strings.ReplaceAll(s, dir, "KEYS")
	s = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`).ReplaceAllString(s, "2026-01-02T03:04:05Z")
	names := map[string]string{}
	s = regexp.MustCompile(`\b\d{6,10}\b`).ReplaceAllStringFunc(s, func(id string) string {
		if names[id] == "" {
			names[id] = "key" + string(rune('A'+len(names)))
		}
		return names[id]
	})
	return regexp.MustCompile(` {2,}`).ReplaceAllString(s, "  ") // IDs differ in length
}

// security 42: no command prints a secret.
func TestKeysPrintNoKey(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	id := regexp.MustCompile(`added key (\d+) `).FindStringSubmatch(okay(t, "keys", "add", dir, "submission"))[1]
	all := okay(t, "keys", "list", dir) + okay(t, "keys", "promote", dir, "submission", id) + okay(t, "keys", "list", dir)
	secrets := 0
	for _, value := range values(t, dir) {
		if secrets++; strings.Contains(all, value) {
			t.Errorf("printed a key")
		}
	}
	if secrets < 8 {
		t.Fatalf("found %d secrets only", secrets)
	}
}

// values are the secret parts of all key files.
func values(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Family string
			Keyset struct {
				Key []struct {
					KeyData struct{ Value string }
				}
			}
		}
		if err := json.Unmarshal(raw, &content); err != nil {
			t.Fatal(err)
		}
		for _, k := range content.Keyset.Key {
			all = append(all, k.KeyData.Value)
		}
		if content.Family != "" {
			all = append(all, content.Family)
		}
	}
	return all
}

func TestKeysNewOverwritesNothing(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	before := values(t, dir)
	refused(t, []string{"keys", "new", dir}, "holds keysets already", dir)
	if diff := cmp.Diff(before, values(t, dir)); diff != "" {
		t.Error("keysets changed")
	}
}

// security 24: files that others may read or change are refused.
func TestKeyFilesAreForTheirOwner(t *testing.T) {
	t.Parallel()
	for mode, fine := range map[fs.FileMode]bool{0o600: true, 0o640: true, 0o400: true, 0o644: false, 0o660: false, 0o604: false} {
		dir := newKeys(t)
		file := filepath.Join(dir, "link.json")
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if fine {
			okay(t, "keys", "list", dir)
			continue
		}
		refused(t, []string{"keys", "list", dir}, file, "chmod 0600")
		refused(t, []string{"keys", "add", dir, "link"}, file, "chmod 0600")
	}
}

// A starter with a file that others may read does not start.
func TestStarterRefusesOpenKeyFiles(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	dir := newKeys(t)
	if err := os.Chmod(filepath.Join(dir, "payload.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, starterArgs(t, "--keys", dir), "payload.json", "chmod 0600")
	refused(t, workerArgs(t, "--keys", dir), "payload.json", "chmod 0600")
}

func TestKeysRefuse(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	refused(t, []string{"keys", "list", t.TempDir()}, "no keysets", "`rekey keys new`")
	refused(t, []string{"keys", "add", dir, "account"}, "account", "cannot be rotated")
	refused(t, []string{"keys", "add", dir, "salt"}, "salt", "cannot be rotated")
	refused(t, []string{"keys", "add", dir, "submission.pub"}, "rotate that one")
	refused(t, []string{"keys", "add", dir, "lnik"}, "lnik", "want link, payload or submission")
	refused(t, []string{"keys", "add", dir}, "<use>", "`rekey keys add --help`")
	refused(t, []string{"keys", "promote", dir, "link", "12"}, "no such key", "`rekey keys list`")
	refused(t, []string{"keys", "promote", dir, "link", "first"}, "<id>", "first")
	refused(t, []string{"keys", "retire", dir, "link", primary(t, dir, "link")}, "promote another one first")
}

// security 37: a key is deleted when its sealed data is over, and before only on purpose.
func TestRetireWaits(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for use, wait := range map[keys.Use]time.Duration{keys.Link: 2 * day, keys.Submission: 2 * day, keys.Payload: 9 * day} {
		dir := newKeys(t)
		added, err := keys.Add(dir, use)
		if err != nil {
			t.Fatal(err)
		}
		k := keysRetireCmd{Dir: dir, Use: use}
		if err := k.check(time.Now()); err != nil {
			t.Errorf("a key of %s that has sealed nothing: %v", use, err)
		}
		promote := func() time.Time { // a keyset tells the time of its promotion from that of its making by the second
			path := filepath.Join(dir, string(use)+".json")
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			created := regexp.MustCompile(`"created": "[^"]+"`)
			if err := os.WriteFile(path, created.ReplaceAll(file, []byte(`"created": "2026-01-02T03:04:05Z"`)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := keys.Promote(dir, use, added); err != nil {
				t.Fatal(err)
			}
			return time.Now()
		}
		promoted := promote()
		if err := k.check(promoted.Add(wait - time.Minute)); err == nil {
			t.Errorf("%s: not refused within %s", use, wait)
		}
		if err := k.check(promoted.Add(wait)); err != nil {
			t.Errorf("%s after %s: %v", use, wait, err)
		}
		k.Early = true
		if err := k.check(promoted); err != nil {
			t.Errorf("%s early: %v", use, err)
		}
	}
}

// A job that makes keysets at each start makes them once.
func TestKeysAreKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	okay(t, "keys", "new", "--keep", dir)
	first := primary(t, dir, "link")
	okay(t, "keys", "new", "--keep", dir)
	if primary(t, dir, "link") != first {
		t.Error("the keysets are others")
	}
	refused(t, []string{"keys", "new", dir}, "the folder holds keysets already")
	if err := os.Remove(filepath.Join(dir, "salt.json")); err != nil {
		t.Fatal(err)
	}
	refused(t, []string{"keys", "new", "--keep", dir}, "has keysets but none for salt: restore it from your copy")
}
