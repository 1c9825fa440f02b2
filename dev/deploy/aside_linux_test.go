package deploy

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

const inside = "REKEY_ASIDE"

// aside repeats a test in namespaces of its own: its network is no other's, its mounts and
// processes end with it. In that repetition it returns the folder for its files.
func aside(t *testing.T) (dir string) {
	t.Helper()
	if dir := os.Getenv(inside); dir != "" {
		return dir
	}
	if os.Geteuid() != 0 {
		t.Fatal("only root may run containers")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err = os.MkdirTemp("", "in-") //nolint:usetesting // short, for the names of sockets
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
		self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "20m")
	cmd.Env = append(os.Environ(), inside+"="+dir)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	err = errors.Join(cmd.Run(), os.RemoveAll(dir)) // nothing is mounted in it any more
	for _, pattern := range []string{"/sys/fs/cgroup/kubepods", "/sys/fs/cgroup/*/kubepods", "/sys/fs/cgroup/docker", "/sys/fs/cgroup/*/docker"} {
		groups, _ := filepath.Glob(pattern)
		for _, group := range groups {
			removeGroups(group)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// removeGroups removes a control group with those in it, which have no process any more.
func removeGroups(dir string) {
	var all []string
	_ = filepath.WalkDir(dir, func(path string, f fs.DirEntry, err error) error {
		if err == nil && f.IsDir() {
			all = append(all, path)
		}
		return nil
	})
	for _, path := range slices.Backward(all) {
		_ = os.Remove(path)
	}
}
