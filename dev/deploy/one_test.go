package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// unit writes deploy/one/rekey.service with replaced passages, for a machine that has the program.
func unit(t *testing.T, pairs ...string) (path string) {
	t.Helper()
	text := replaced(t, filepath.Join(root, "deploy/one/rekey.service"), append([]string{"/usr/local/bin/rekey one", "/bin/true one"}, pairs...))
	path = filepath.Join(t.TempDir(), "rekey.service")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// exposure is a line of `systemd-analyze security`.
type exposure struct{ Name, Description, Exposure string }

// exposures are those that a unit leaves.
func exposures(t *testing.T, path string) (left []exposure) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--json=short", path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	var all []exposure
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 60 {
		t.Fatalf("%d exposures are known", len(all))
	}
	return slices.DeleteFunc(all, func(e exposure) bool { return e.Exposure == "" })
}

// systemd takes the unit, and rates it as the unit itself says. Each exposure that is left is named in
// a comment with its reason.
//
// security 44: the process of one machine has no more of it than it needs.
func TestUnit(t *testing.T) {
	t.Parallel()
	suite.Program(t, "systemd-analyze")
	path := unit(t)
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	_, comment, _ := strings.Cut(replaced(t, path, nil), "these are left:")
	comment, _, ok := strings.Cut(comment, "\nCapabilityBoundingSet")
	left := exposures(t, path)
	if !ok || len(left) == 0 {
		t.Fatal("the unit names no exposure")
	}
	for _, e := range left {
		if !strings.Contains(comment, keyword(e.Name)) {
			t.Errorf("%s (%s) is not explained in the unit", e.Name, e.Description)
		}
	}
	if err := rated(t, path); err != nil {
		t.Error(err)
	}
	if text := replaced(t, path, nil); strings.Contains(text, "RestartPreventExitStatus=") || !strings.Contains(text, "\nStartLimitIntervalSec=0\n") {
		t.Error("it does not restart for ever: a panic, and a kill by the watchdog, exit with 2 as wrong usage does")
	}
}

// keyword is the part of an exposure that the comment names: RestrictAddressFamilies=~AF_UNIX is
// AF_UNIX, and PrivateNetwork= is PrivateNetwork.
func keyword(name string) string {
	before, after, _ := strings.Cut(name, "=")
	if _, family, ok := strings.Cut(after, "AF_"); ok {
		before, _, _ = strings.Cut("AF_"+strings.Trim(family, "()"), "|")
	}
	return strings.ReplaceAll(before, "AF_(", "AF_")
}

// rated reports a unit with a worse rating than the unit names: 1.1.
func rated(t *testing.T, path string) error {
	t.Helper()
	return exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=yes", "--threshold=11", path).Run()
}

// A unit with one line less leaves another exposure: no line is there for nothing.
func TestUnitIsJudged(t *testing.T) {
	t.Parallel()
	suite.Program(t, "systemd-analyze")
	names := func(path string) (all []string) {
		for _, e := range exposures(t, path) {
			all = append(all, e.Name)
		}
		return all
	}
	best := names(unit(t))
	for _, line := range []string{
		"User=rekey", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "PrivateTmp=yes", "ProtectSystem=strict", "RestrictSUIDSGID=yes", "RemoveIPC=yes", "PrivateUsers=yes", "PrivateMounts=yes", "PrivateDevices=yes",
		"ProtectHome=yes", "ProtectClock=yes", "ProtectHostname=yes", "ProtectControlGroups=yes", "ProtectKernelLogs=yes",
		"ProtectKernelModules=yes", "ProtectKernelTunables=yes", "ProtectProc=invisible", "ProcSubset=pid", "LockPersonality=yes",
		"MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces=yes", "RestrictRealtime=yes",
		"SystemCallArchitectures=native", "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources", "UMask=0077",
	} {
		if slices.Equal(names(unit(t, "\n"+line+"\n", "\n")), best) {
			t.Errorf("without %s nothing is worse", line)
		}
	}
}

// The example settings, with those of the unit, are all that `rekey one` needs, and it knows each.
// It also knows the settings in comments.
func TestOneHasItsSettings(t *testing.T) {
	t.Parallel()
	env := map[string]string{}
	known := settings(t, "one", "run")
	text := replaced(t, filepath.Join(root, "deploy/one/rekey.env"), nil) + replaced(t, filepath.Join(root, "deploy/one/rekey.service"), nil)
	for line := range strings.Lines(text) {
		_, isComment := strings.CutPrefix(line, "#REKEY_")
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "#"), "Environment=")), "=")
		if !ok || !strings.HasPrefix(name, "REKEY_") {
			continue
		}
		if _, ok := known[name]; !ok && name != "REKEY_KEYS" { // of operators' commands
			t.Errorf("rekey one does not know %s", name)
		}
		if !isComment {
			env[name] = value
		}
	}
	for name, needed := range known {
		if _, ok := env[name]; needed && !ok {
			t.Errorf("rekey one needs %s", name)
		}
	}
	if len(env) < 10 {
		t.Errorf("settings %v", env)
	}
}

// security 45: the same source gives the same archive, wherever it lies. It has the program, the unit
// and the settings, with the names and modes of an installation, and nothing of this machine.
func TestPackageIsReproducible(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	if _, err := onePlain(); err != nil { // for the go command: it reads the whole source
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "a folder of another name")
	copySource(t, elsewhere)
	script(t, exec.CommandContext(t.Context(), "cp", "-R", filepath.Join(root, "one"), filepath.Join(root, "LICENSE"), elsewhere))
	script(t, exec.CommandContext(t.Context(), "cp", "-R", filepath.Join(root, "deploy/one"), filepath.Join(elsewhere, "deploy")))
	var sums []string
	var archive string
	for _, source := range []string{root, elsewhere} {
		folder := t.TempDir()
		build := exec.CommandContext(t.Context(), filepath.Join(source, "deploy/one/package"), "v1.2.3-test", folder)
		build.Env = append(os.Environ(), "GOARCH=amd64", "TMPDIR="+t.TempDir())
		script(t, build)
		archive = filepath.Join(folder, "rekey-one_v1.2.3-test_linux_amd64.tar.gz")
		sums = append(sums, sum(t, archive))
	}
	if sums[0] != sums[1] {
		t.Errorf("sha256 %v", sums)
	}
	list, err := exec.CommandContext(t.Context(), "tar", "--utc", "-tvzf", archive).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(list)) {
		f := strings.Fields(line)
		got = append(got, f[0]+" "+f[1]+" "+f[3]+" "+strings.TrimPrefix(f[5], "rekey-one_v1.2.3-test_linux_amd64/"))
	}
	want := []string{
		"drwxr-xr-x 0/0 1970-01-01 ", "-rw-r--r-- 0/0 1970-01-01 LICENSE", "-rwxr-xr-x 0/0 1970-01-01 rekey",
		"-rw-r--r-- 0/0 1970-01-01 rekey.env", "-rw-r--r-- 0/0 1970-01-01 rekey.service",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the archive has %q", got)
	}
}
