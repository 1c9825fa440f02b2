package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// copyCompose copies the files of docker-compose.yml that prepare.sh works beside. Each pair is a
// passage of prepare.sh and its replacement.
func copyCompose(t *testing.T, dir string, pairs ...string) {
	t.Helper()
	const from = "deploy/compose"
	if err := os.MkdirAll(filepath.Join(dir, from), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"prepare.sh", "postgres.sh", "databases.sh", "schema.sh", "temporal.yaml", "demo.env"} {
		text := replaced(t, filepath.Join(root, from, name), nil)
		if name == "prepare.sh" {
			text = replaced(t, filepath.Join(root, from, name), pairs)
		}
		if err := os.WriteFile(filepath.Join(dir, from, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// prepare is a run of prepare.sh on a machine with such versions of Docker.
func prepare(t *testing.T, dir, engine, compose string) *exec.Cmd {
	t.Helper()
	bin := t.TempDir()
	docker := fmt.Sprintf("#!/bin/sh\ncase $1 in version) echo '%s' ;; compose) echo '%s' ;; volume) [ -e $HOME/volume ] ;; esac\n", engine, compose)
	if err := os.WriteFile(filepath.Join(bin, "docker"), []byte(docker), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "deploy/compose/prepare.sh"))
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+dir)
	return cmd
}

// An older engine mounts all keys where one is asked for, so it is refused by its name.
func TestPrepareRefusesOldEngines(t *testing.T) {
	t.Parallel()
	for _, run := range []struct{ engine, compose, want string }{
		{"25.0.9", "2.30.0", "Docker Engine is 25.0.9: rekey needs 26"},
		{"9.1", "2.30.0", "Docker Engine is 9.1"},
		{"28.2.2", "2.24.6", "Docker Compose is 2.24.6: rekey needs 2.26"},
		{"26.0.0", "2.26.0", ""},
		{"26.1.5+dfsg1", "2.26.1-4", ""},
		{"29.0.1", "v5.0.0", ""},
	} {
		dir := t.TempDir()
		copyCompose(t, dir)
		out, err := prepare(t, dir, run.engine, run.compose).CombinedOutput()
		if (err != nil) != (run.want != "") || !strings.Contains(string(out), run.want) {
			t.Errorf("%+v: %v: %s", run, err, out)
		}
	}
}

// An installation with settings elsewhere does not become the demo.
func TestPrepareBesideData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyCompose(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "volume"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := prepare(t, dir, "26.0.0", "2.26.0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "there are data of rekey and no .env") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, ".env")); err == nil {
		t.Error("it made settings")
	}
}

// The next run makes whole what was interrupted. Whole files stay.
func TestPrepareAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	copyCompose(t, dir)
	run := func() {
		t.Helper()
		if out, err := prepare(t, dir, "26.0.0", "2.26.0").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	read := func(name string) string { return replaced(t, filepath.Join(dir, "deploy/compose/secrets", name), nil) }
	run()
	authority, password, certificate := read("ca.crt"), read("rekey.password"), read("temporal.crt")
	run()
	if read("ca.crt") != authority || read("rekey.password") != password || read("temporal.crt") != certificate {
		t.Error("a second run makes other secrets")
	}
	for name, content := range map[string]string{"rekey.password": "", "../../../.env": "REKEY_PRODUCT=Anchor\n"} {
		if err := os.WriteFile(filepath.Join(dir, "deploy/compose/secrets", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "deploy/compose/secrets/ca.crt")); err != nil {
		t.Fatal(err)
	}
	run()
	if len(read("rekey.password")) < 40 || read("ca.crt") == authority || read("temporal.crt") == certificate {
		t.Error("what was interrupted is not made whole")
	}
	if got := read("../../../.env"); got != "REKEY_PRODUCT=Anchor\n" {
		t.Errorf("the settings are replaced: %s", got)
	}
	info, err := os.Stat(filepath.Join(dir, "deploy/compose/databases.sh"))
	if err != nil || info.Mode().Perm()&0o044 != 0o044 {
		t.Errorf("containers may not read a script: %v %v", info.Mode(), err)
	}
}
