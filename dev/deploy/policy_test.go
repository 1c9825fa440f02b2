package deploy

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// security 45: SECURITY.md says where to report a fault, how it is answered, and which
// versions are mended.
func TestSecurityPolicy(t *testing.T) {
	t.Parallel()
	page := strings.Join(strings.Fields(replaced(t, filepath.Join(root, "SECURITY.md"), nil)), " ") // wherever a line ends
	for _, part := range []string{"## Report a fault", "private vulnerability reporting", "## Our answer", "within a week", "## Supported versions", "| the newest release | yes |"} {
		if !strings.Contains(page, part) {
			t.Errorf("SECURITY.md lacks %q", part)
		}
	}
}

// A shell takes every script, also those that only a container runs.
func TestScriptsParse(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob(filepath.Join(root, "deploy/compose/*.sh"))
	if err != nil || len(scripts) != 4 {
		t.Fatalf("%d scripts: %v", len(scripts), err)
	}
	for _, path := range scripts {
		script(t, exec.CommandContext(t.Context(), "sh", "-n", path))
	}
	for name, s := range compose(t).Services {
		if len(s.Entrypoint) > 2 && s.Entrypoint[0] == "sh" {
			if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", s.Entrypoint[2]).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	}
}

// Keysets in the folder of the package that has their name reach neither image nor history.
func TestKeysetsStayOut(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ file, line string }{{".dockerignore", "\nkeys/*.json\n"}, {".gitignore", "\n/keys/*.json\n"}} {
		if _, after, ok := strings.Cut(replaced(t, filepath.Join(root, tc.file), nil), tc.line); !ok || strings.Contains(after, "!keys") {
			t.Errorf("%s lets keysets through", tc.file)
		}
	}
}

// security 45: the image is built from a pinned one, to nothing but the program, and its user is
// not root.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	file := replaced(t, filepath.Join(root, "Dockerfile"), nil)
	_, last, _ := strings.Cut(file, "FROM scratch\n")
	for _, line := range []string{"COPY --from=build /out/rekey /rekey\n", "USER 65532:65532\n", `ENTRYPOINT ["/rekey"]`} {
		if !strings.Contains(last, line) {
			t.Errorf("the last stage of the Dockerfile lacks %q", line)
		}
	}
	mod := replaced(t, filepath.Join(root, "go.mod"), nil)
	_, version, _ := strings.Cut(mod, "\ngo ")
	version, _, _ = strings.Cut(version, "\n")
	if !strings.Contains(file, "FROM golang:"+version+"-") || strings.Count(file, "\nFROM ") != 2 {
		t.Errorf("the Dockerfile does not build with golang:%s and copy to scratch", version)
	}
}

// script runs a command that must go well.
func script(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
