package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// dockerEngine is a Docker Engine of the test alone, with images under the names of docker-compose.yml.
type dockerEngine struct {
	folder string // of the engine's files
	daemon *exec.Cmd
}

// content is the folder of the images' content. It is kept, because it is the same for every run.
func content(t *testing.T) (folder string) {
	t.Helper()
	for _, program := range []string{"dockerd", "docker", "docker-compose", "debootstrap"} {
		suite.Program(t, program)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(cache, "rekey-images")
	if os.Getenv(inside) == "" { // no network is there
		script(t, exec.CommandContext(t.Context(), "engine/content", folder))
	}
	return folder
}

// newEngine starts one in the namespaces of the test, with a folder of its own.
func newEngine(t *testing.T, folder, images string) *dockerEngine {
	t.Helper()
	script(t, exec.CommandContext(t.Context(), "ip", "link", "set", "lo", "up"))
	e := &dockerEngine{folder: folder}
	e.start(t)
	e.shell(t, ".", "engine/images '"+images+"'")
	return e
}

// env tells the programs of Docker about the engine.
func (e *dockerEngine) env() []string { return append(os.Environ(), "DOCKER_HOST="+e.socket()) }

func (e *dockerEngine) socket() string { return "unix://" + filepath.Join(e.folder, "docker.sock") }

// start starts the daemon, and waits until it answers.
func (e *dockerEngine) start(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	e.daemon = exec.CommandContext(context.WithoutCancel(t.Context()), "dockerd", "--host", e.socket(),
		"--data-root", filepath.Join(e.folder, "data"), "--exec-root", filepath.Join(e.folder, "exec"), "--pidfile", filepath.Join(e.folder, "pid"))
	e.daemon.Stdout, e.daemon.Stderr = &log, &log
	if err := e.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	daemon := e.daemon
	daemon.WaitDelay = time.Second // other programs have its output
	t.Cleanup(func() {
		e.kill(t)
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("the end of dockerd's log:\n%s", log.Bytes()[max(0, log.Len()-4000):])
		}
	})
	process.Succeeds(t, patience, "the Docker Engine answers", func() error {
		cmd := exec.CommandContext(t.Context(), "docker", "version")
		cmd.Env = e.env()
		return cmd.Run()
	})
}

// kill ends the daemon and all that it has started, with everything in the containers, as a loss of
// power does.
func (e *dockerEngine) kill(t *testing.T) {
	t.Helper()
	for all := e.processes(t); len(all) > 0; all = e.processes(t) {
		for _, pid := range all {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	// A restart of the machine takes these away.
	lines := `awk -v f="$0/" 'index($2, f) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount --lazy; rm -rf "$0/exec" "$0/pid"`
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-ec", lines, e.folder).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// processes are the daemon, its containerd with its shims, and the processes of all containers.
func (e *dockerEngine) processes(t *testing.T) (found []int) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int]int{}
	ours := map[int]bool{}
	for _, path := range paths {
		var pid, parent int
		var state string
		line, _ := os.ReadFile(path) // of a process that has ended: nothing
		stat, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
		after := string(stat[bytes.LastIndexByte(stat, ')')+1:])
		if _, err := fmt.Sscan(after, &state, &parent); err != nil || state == "Z" {
			continue
		}
		if pid, err = strconv.Atoi(filepath.Base(filepath.Dir(path))); err != nil {
			t.Fatal(err)
		}
		parents[pid], ours[pid] = parent, strings.Contains(string(line), e.folder)
	}
	for pid := range parents {
		for at := pid; at > 1; at = parents[at] {
			if ours[at] {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

// shell runs lines of a shell, which must go well, and returns their output.
func (e *dockerEngine) shell(t *testing.T, dir, lines string) string {
	t.Helper()
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", "umask 077\n"+lines)
	cmd.Dir, cmd.Env = dir, e.env()
	var out, all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &all
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v after %s:\n%s\n%s%s", err, time.Since(began).Round(time.Second), lines, out.String(), all.Bytes()[max(0, all.Len()-4000):])
	}
	if took := time.Since(began); took > time.Second { // for the figures of the runbook
		t.Logf("%5.1f s:\n%s", took.Seconds(), lines)
	}
	return out.String()
}
