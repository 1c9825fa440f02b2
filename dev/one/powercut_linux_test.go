package one

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// disk is what files have after a power cut: of all that a process wrote, only that which a sync
// followed.
type disk struct {
	dir     string
	files   map[string][]byte   // on the disk, by path
	written map[string][]change // and not yet synced
	syncing map[string]int      // by thread: how many changes of its file a sync that is under way has to write
}

// change is a write, or a new size where data is nil.
type change struct {
	data []byte
	at   int64
}

func (c change) apply(file []byte) []byte {
	end := c.at + int64(len(c.data))
	if c.data == nil {
		file = file[:min(int64(len(file)), end)]
	}
	if int64(len(file)) < end {
		file = append(file, make([]byte, end-int64(len(file)))...)
	}
	copy(file[c.at:], c.data)
	return file
}

// A line of strace -f -y -xx: a call, or the end of one that other threads' calls interrupted.
var (
	callLine = regexp.MustCompile(`^(\d+) +(pwrite64|ftruncate|fsync|fdatasync|write)\(\d+<([^>]*)>(?:, (?:"([^"]*)"(?:\.\.\.)?, )?(\d+)(?:, (\d+))?)?(.*)$`)
	endLine  = regexp.MustCompile(`^(\d+) +<\.\.\. (?:fsync|fdatasync) resumed>\) += 0`)
)

// call is one system call of the trace.
func (d *disk) call(t *testing.T, m []string) {
	t.Helper()
	thread, name, path := m[1], m[2], string(unhex(t, m[3]))
	if filepath.Dir(path) != d.dir {
		return
	}
	switch name {
	case "pwrite64":
		d.written[path] = append(d.written[path], change{unhex(t, m[4]), number(t, m[6])})
	case "ftruncate":
		d.written[path] = append(d.written[path], change{nil, number(t, m[5])})
	case "fsync", "fdatasync":
		d.syncing[thread+" "+path] = len(d.written[path])
		if strings.Contains(m[7], "= 0") || strings.HasSuffix(m[0], "= 0") {
			d.synced(thread)
		}
	}
}

// synced ends the sync of a thread.
func (d *disk) synced(thread string) {
	for key, n := range d.syncing {
		path, ok := strings.CutPrefix(key, thread+" ")
		if !ok {
			continue
		}
		delete(d.syncing, key)
		for _, c := range d.written[path][:n] {
			d.files[path] = c.apply(d.files[path])
		}
		d.written[path] = d.written[path][n:]
		for other, left := range d.syncing { // of the same file
			if strings.HasSuffix(other, " "+path) {
				d.syncing[other] = max(0, left-n)
			}
		}
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	if !strings.HasPrefix(text, `\x`) {
		return []byte(text)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// traced starts a machine below strace. The returned function cuts its power at the moment of its
// last answer, and returns the folder as the disk has it then.
func traced(t *testing.T, s *site.Site) (cut func() string) {
	t.Helper()
	d := &disk{dir: s.Dir, files: map[string][]byte{}, written: map[string][]change{}, syncing: map[string]int{}}
	databases := []string{"temporal.db", "temporal.db-wal", "accounts.db"}
	for _, name := range databases {
		if b, err := os.ReadFile(filepath.Join(s.Dir, name)); err == nil {
			d.files[filepath.Join(s.Dir, name)] = b
		}
	}
	trace := filepath.Join(t.TempDir(), "trace")
	p := process.Start(
		t, suite.Program(t, "strace"), s.Env, "-f", "-y", "-xx", "-s", "1000000", "-e", "signal=none",
		"-e", "trace=pwrite64,ftruncate,fsync,fdatasync,write", "-o", trace, s.Path, "one",
	)
	p.Await(t, p.Err, `"rekey one is ready"`)
	return func() string {
		t.Helper()
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.Pid(), p.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(int(number(t, strings.TrimSpace(string(children)))), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.Exit(t) // strace ends with the program
		d.replay(t, trace)
		after := t.TempDir()
		if err := errors.Join(os.Chmod(after, 0o700), os.CopyFS(filepath.Join(after, "keys"), os.DirFS(s.Keys()))); err != nil {
			t.Fatal(err)
		}
		keys, err := filepath.Glob(filepath.Join(after, "keys", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if err := os.Chmod(k, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range databases {
			if b := d.files[filepath.Join(s.Dir, name)]; b != nil {
				if err := os.WriteFile(filepath.Join(after, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		return after
	}
}

// replay writes to the disk up to the last answer over HTTP.
func (d *disk) replay(t *testing.T, trace string) {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	answer := hex.EncodeToString([]byte("HTTP/1.1 20"))
	escaped := regexp.MustCompile("..").ReplaceAllString(answer, `\x$0`)
	last := bytes.LastIndex(text, []byte(escaped))
	if last < 0 {
		t.Fatal("no answer in the trace")
	}
	calls, syncs := 0, 0
	lines := bufio.NewScanner(bytes.NewReader(text[:bytes.LastIndexByte(text[:last], '\n')]))
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		if m := callLine.FindStringSubmatch(lines.Text()); m != nil {
			d.call(t, m)
			calls++
		} else if m := endLine.FindStringSubmatch(lines.Text()); m != nil {
			d.synced(m[1])
			syncs++
		}
	}
	if err := lines.Err(); err != nil || calls == 0 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	t.Logf("%d calls, %d syncs that other threads interrupted", calls, syncs)
}

// moved is the site on another folder.
func moved(s *site.Site, dir string) *site.Site {
	next := *s
	next.Dir = dir
	next.Env = append(append([]string{}, s.Env...), "REKEY_DATA="+dir, "REKEY_STORE="+next.File(), "REKEY_KEYS="+next.Keys(), "TEMPORAL_CONFIG_FILE="+filepath.Join(dir, "temporal.toml"))
	return &next
}

// security 23: a request, and a changed password, that were answered before a power cut are there
// after it, although the disk has only what was synced by then.
func TestPowerCut(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := site.One(t)
	erin := s.People[0]
	s.Mail.Fail(func(inbox.Message) error { return inbox.Reply(451, "later") })
	cut := traced(t, s)
	s.Forgot(t, erin)
	s = moved(s, cut())
	s.Mail.Fail(nil)
	cut = traced(t, s)
	s.Insist(t, s.Token(t, erin, 1), newPassword)
	s = moved(s, cut())
	if !changed(t, s, erin) {
		t.Error("the password was not changed")
	}
	p := s.StartOne(t)
	temporal := s.Dial(t)
	process.Eventually(t, s.Patience, "the end of the run", func() bool { return s.State(t, temporal, erin) == "completed" })
	s.Mails(t, erin, 2)
	stop(t, p)
}
