package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
)

// user is whom the image runs as.
const user = 65532

// program is rekey as the image has it, built once for all tests. With the flags of a release it
// is compiled from its first package on, so its tests belong to the long suite.
var program = sync.OnceValues(func() (string, error) { return built("rekey", filepath.Join(root, "deploy/build"), "v1.2.3-test") })

// plain is rekey from a plain build.
var plain = sync.OnceValues(func() (string, error) {
	return built("plain", "go", "build", "-C", "../../cmd/rekey", "-o")
})

// onePlain is the program with `rekey one` from a plain build.
var onePlain = sync.OnceValues(func() (string, error) {
	return built("one", "go", "build", "-C", "../../one", "-o")
})

// built runs a command that builds a program into the file that is its last argument.
func built(name string, command ...string) (string, error) {
	// The go command keeps a passed test until a file changes that the test itself has read. It
	// does not see the files that child processes read.
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		return "", err
	}
	file := filepath.Join(builds, name)
	out, err := exec.Command(command[0], append(command[1:], file)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%v: %w\n%s", command, err, out)
	}
	return file, os.Chmod(file, 0o755)
}

// container is the root that a container of rekey starts with: the program, and its files.
type container struct {
	root string
	env  []string
}

func newContainer(t *testing.T) *container {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{root: t.TempDir()}
	if err := os.Link(file, filepath.Join(c.root, "rekey")); err != nil {
		c.give(t, file, "/rekey", 0o755)
	}
	// The program reads nothing else of /proc, which an engine mounts: Temporal's SDK reads
	// itself.
	self := filepath.Join(c.root, "proc/self")
	if err := errors.Join(os.MkdirAll(self, 0o755), os.Symlink("/rekey", filepath.Join(self, "exe"))); err != nil {
		t.Fatal(err)
	}
	return c
}

// give puts a copy of a file into the container, as a mount would.
func (c *container) give(t *testing.T, from, to string, mode fs.FileMode) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, to, b, mode)
}

func (c *container) write(t *testing.T, path string, content []byte, mode fs.FileMode) {
	t.Helper()
	path = filepath.Join(c.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		t.Fatal(err)
	}
	own(t, path)
}

// own gives a file to the image's user, where a test may.
func own(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chown(path, user, user); err != nil {
		t.Fatal(err)
	}
}

// start runs the program with nothing around it but the container.
func (c *container) start(t *testing.T, args ...string) *process.Process {
	t.Helper()
	attr := &syscall.SysProcAttr{Chroot: c.root, Credential: &syscall.Credential{Uid: user, Gid: user}}
	if os.Geteuid() != 0 { // a user namespace allows every user a new root
		attr.Credential = nil
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getgid(), Size: 1}}
	}
	return process.StartWith(t, attr, "/rekey", c.env, args...)
}

// okay runs the program to its end, which must be a good one.
func (c *container) okay(t *testing.T, args ...string) string {
	t.Helper()
	p := c.start(t, args...)
	if code := p.Exit(t); code != 0 {
		t.Fatalf("rekey %s: exit code %d", strings.Join(args, " "), code)
	}
	return p.Out.String()
}
