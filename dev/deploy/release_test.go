package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 45: the same source gives the same program, wherever it lies: a copy of it in another
// folder is built to the same bytes.
func TestBuildIsReproducible(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	first, err := program()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "a folder of another name")
	copySource(t, elsewhere)
	second := filepath.Join(t.TempDir(), "rekey")
	build := exec.CommandContext(t.Context(), filepath.Join(elsewhere, "deploy/build"), "v1.2.3-test", second)
	build.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	script(t, build)
	if one, other := sum(t, first), sum(t, second); one != other {
		t.Errorf("sha256 %s and %s", one, other)
	}
	other := filepath.Join(t.TempDir(), "rekey")
	script(t, exec.CommandContext(t.Context(), filepath.Join(root, "deploy/build"), "v1.2.4-test", other))
	if sum(t, first) == sum(t, other) {
		t.Error("two versions are one program: this test compares nothing")
	}
}

// copySource copies the source of the root module: the files that .dockerignore lets through.
func copySource(t *testing.T, to string) {
	t.Helper()
	for line := range strings.Lines(replaced(t, filepath.Join(root, ".dockerignore"), nil)) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "!")
		if !ok {
			continue
		}
		target := filepath.Join(to, filepath.Dir(name))
		if err := os.MkdirAll(target, 0o755); err != nil {
			t.Fatal(err)
		}
		script(t, exec.CommandContext(t.Context(), "cp", "-R", filepath.Join(root, name), target))
	}
}

func sum(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// signer makes a throwaway key and a list that names it.
func signer(t *testing.T) (key, list string) {
	t.Helper()
	folder := t.TempDir()
	key, list = filepath.Join(folder, "key"), filepath.Join(folder, "signers")
	script(t, exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key))
	public := strings.Fields(replaced(t, key+".pub", nil))
	if err := os.WriteFile(list, []byte("test@example.com "+public[0]+" "+public[1]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return key, list
}

// tagged is a repository of the source with its scripts, of which v1.2.3-test is checked out.
func tagged(t *testing.T) string {
	t.Helper()
	source := filepath.Join(t.TempDir(), "source")
	copySource(t, source)
	for _, name := range []string{"deploy/release", "deploy/sbom", "deploy/allowed_signers"} {
		script(t, exec.CommandContext(t.Context(), "cp", filepath.Join(root, name), filepath.Join(source, name)))
	}
	git(t, source, "init", "-q")
	commit(t, source)
	git(t, source, "tag", "v1.2.3-test")
	return source
}

func git(t *testing.T, folder string, args ...string) {
	t.Helper()
	script(t, exec.CommandContext(t.Context(), "git", append([]string{"-C", folder}, args...)...))
}

func commit(t *testing.T, folder string) {
	t.Helper()
	git(t, folder, "add", "-A")
	git(t, folder, "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "commit", "-q", "-m", "test")
}

// makeRelease runs deploy/release of a source for this system. The paths that it is given are
// relative, as a maintainer types them.
func makeRelease(t *testing.T, source, key, list, folder string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(source, "deploy/release"), "v1.2.3-test", filepath.Base(key), folder)
	cmd.Dir = filepath.Dir(key)
	cmd.Env = append(os.Environ(), "RELEASE_SIGNERS="+relative(t, cmd.Dir, list), "RELEASE_SYSTEMS="+runtime.GOOS+"/"+runtime.GOARCH)
	return cmd.CombinedOutput()
}

func relative(t *testing.T, from, path string) string {
	t.Helper()
	way, err := filepath.Rel(from, path)
	if err != nil {
		t.Fatal(err)
	}
	return way
}

// Only the tagged source is released.
func TestReleaseIsWhatIsTagged(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	source := tagged(t)
	key, list := signer(t)
	refused := func(want string) {
		t.Helper()
		folder := filepath.Join(t.TempDir(), "dist")
		if out, err := makeRelease(t, source, key, list, folder); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s, want %q", err, out, want)
		}
		if _, err := os.Stat(folder); !os.IsNotExist(err) {
			t.Errorf("%s: something was made: %v", want, err)
		}
	}
	if err := os.WriteFile(filepath.Join(source, "cmd/rekey/new.go"), []byte("package main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("cmd/rekey/new.go")
	commit(t, source)
	refused("what is checked out is not v1.2.3-test")
	git(t, source, "tag", "-d", "v1.2.3-test")
	refused("there is no tag v1.2.3-test")
}

// security 45: a release is programs, an SBOM of each and checksums that a known key has signed.
// The commands of docs/release.md find every change.
func TestReleaseIsSigned(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	key, list := signer(t)
	folder := filepath.Join(t.TempDir(), "dist")
	if out, err := makeRelease(t, tagged(t), key, list, folder); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	name := "rekey_v1.2.3-test_" + runtime.GOOS + "_" + runtime.GOARCH
	if first, err := program(); err != nil || sum(t, first) != sum(t, filepath.Join(folder, name)) {
		t.Errorf("the program is not the one that deploy/build makes (%v)", err)
	}
	checkSBOM(t, filepath.Join(folder, name))
	if err := verifies(t, folder, list); err != nil {
		t.Fatal(err)
	}
	_, stranger := signer(t)
	if verifies(t, folder, stranger) == nil {
		t.Error("a signature of somebody else is taken")
	}
	for _, file := range []string{name, name + ".cdx.json", "SHA256SUMS"} {
		changed(t, filepath.Join(folder, file), func() {
			if verifies(t, folder, list) == nil {
				t.Errorf("a change of %s is not seen", file)
			}
		})
	}
}

// A key that cannot be verified signs nothing, and a release never replaces another.
func TestReleaseRefusesStrangers(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	key, _ := signer(t)
	_, list := signer(t)
	folder := filepath.Join(t.TempDir(), "dist")
	source := tagged(t)
	out, err := makeRelease(t, source, key, list, folder)
	if err == nil || !strings.Contains(string(out), "the key is not in") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(folder, "SHA256SUMS.sig")); !os.IsNotExist(err) {
		t.Errorf("its signature is there: %v", err)
	}
	if out, err := makeRelease(t, source, key, list, folder); err == nil || !strings.Contains(string(out), "exist") {
		t.Errorf("into a folder that is there: %v: %s", err, out)
	}
}

// verifies runs the commands of docs/release.md.
func verifies(t *testing.T, folder, list string) error {
	t.Helper()
	page := replaced(t, filepath.Join(root, "docs/release.md"), []string{
		"deploy/allowed_signers", list, "maintainer@example.com", "test@example.com",
	})
	_, after, _ := strings.Cut(page, "## Verify")
	_, after, _ = strings.Cut(after, "```sh\n")
	commands, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("docs/release.md has no commands to verify a release")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", commands)
	cmd.Dir = folder
	return cmd.Run()
}

// changed does something while a file has another byte at its end.
func changed(t *testing.T, path string, do func()) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(slices.Clone(b), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	do()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkSBOM compares the document with the go command's view of the program.
func checkSBOM(t *testing.T, program string) {
	t.Helper()
	var bom struct {
		Format     string `json:"bomFormat"`
		Spec       string `json:"specVersion"`
		Components []struct{ Name, Version string }
		Metadata   struct {
			Component struct{ Name, Version string }
		}
	}
	text := replaced(t, program+".cdx.json", nil)
	if err := json.Unmarshal([]byte(text), &bom); err != nil {
		t.Fatal(err)
	}
	if err := judgeSBOM(t, text); err != nil {
		t.Error(err)
	}
	if bom.Format != "CycloneDX" || bom.Spec < "1.5" || bom.Metadata.Component.Version != "v1.2.3-test" {
		t.Errorf("%s %s of %s", bom.Format, bom.Spec, bom.Metadata.Component)
	}
	listed := map[string]string{}
	for _, c := range bom.Components {
		listed[c.Name] = c.Version
	}
	if _, ok := listed["std"]; !ok {
		t.Error("Go's own library is not in it")
	}
	delete(listed, "std")
	if diff := cmp.Diff(linked(t, program), listed); diff != "" {
		t.Errorf("modules (-program +SBOM):\n%s", diff)
	}
}

// linked are the modules of a program with their versions.
func linked(t *testing.T, program string) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "dep" {
			modules[f[1]] = f[2]
		}
	}
	if len(slices.Collect(maps.Keys(modules))) < 20 {
		t.Fatalf("go version -m lists %d modules", len(modules))
	}
	return modules
}
