package backup_test

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/internal/backup"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// data is a folder of a process, with the files that a backup copies as they are.
func data(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "keys"), 0o700))
	for name, text := range map[string]string{"keys/link.json": "a key", "keys/.keyset-12": "half of a key", "other": "no part"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640))
	}
	return dir
}

// written is a live file of some content.
func written(name, content string) backup.Live {
	return backup.Live{Name: name, Copy: func(_ context.Context, path string) error {
		return os.WriteFile(path, []byte(content), 0o600)
	}}
}

func source(dir string, live ...backup.Live) backup.Source {
	live = append(live, backup.Live{}, backup.Live{})
	return backup.Source{Dir: dir, Version: "v1.2.3", Runs: live[0], Records: live[1], Still: []string{"keys"}, Log: zerolog.Nop()}
}

// serve answers for a folder until the test ends, or the returned function is called.
func serve(t *testing.T, s backup.Source) (stop func()) {
	t.Helper()
	listener, err := backup.Listen(s.Dir)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- backup.Serve(ctx, listener, s) }()
	stop = func() {
		cancel()
		must(t, <-ended)
		ended <- nil
	}
	t.Cleanup(stop)
	return stop
}

func take(t *testing.T, dir, to string) (*backup.Manifest, error) {
	t.Helper()
	return backup.Take(t.Context(), dir, to, func(string) {})
}

// names are the files and folders below a folder, with their modes.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		must(t, err)
		rel, err := filepath.Rel(dir, path)
		must(t, err)
		all = append(all, fmt.Sprintf("%s %v", rel, info.Mode()))
		return nil
	}))
	return all
}

// A backup has the files that it is to have and no others, for its owner only. Put back, it is
// compared with its manifest once.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir, to := data(t), filepath.Join(t.TempDir(), "monday")
	var order []string
	step := func(name string) backup.Live {
		return backup.Live{Name: name, Copy: func(_ context.Context, path string) error {
			order = append(order, name)
			return os.WriteFile(path, []byte(name), 0o600)
		}}
	}
	s := source(dir, step("temporal.db"), step("accounts.db"))
	s.Elsewhere = []string{"Temporal is in PostgreSQL"}
	serve(t, s)
	must(t, os.Mkdir(to, 0o755)) // empty
	var lines []string
	made, err := backup.Take(t.Context(), dir, to, func(line string) { lines = append(lines, line) })
	must(t, err)
	if !slices.Equal(order, []string{"temporal.db", "accounts.db"}) {
		t.Errorf("copied in the order %v", order)
	}
	if made.Rekey != "v1.2.3" || made.Made.IsZero() || !slices.Equal(made.Elsewhere, s.Elsewhere) || len(made.Files) != 3 {
		t.Errorf("manifest %+v", made)
	}
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "accounts.db ") {
		t.Errorf("progress %q", lines)
	}
	want := []string{
		"monday drwx------", "monday/accounts.db -rw-------", "monday/backup.json -rw-------",
		"monday/keys drwx------", "monday/keys/link.json -rw-------", "monday/temporal.db -rw-------",
	}
	if diff := cmp.Diff(want, names(t, filepath.Dir(to))); diff != "" {
		t.Errorf("backup (-want +got):\n%s", diff)
	}
	if left := names(t, dir); len(left) != 5 { // and the socket
		t.Errorf("the process keeps %q", left)
	}
	restored, err := backup.Restored(to)
	must(t, err)
	if diff := cmp.Diff(made, restored); diff != "" {
		t.Errorf("manifest (-made +restored):\n%s", diff)
	}
	must(t, os.WriteFile(filepath.Join(to, "accounts.db"), nil, 0o600)) // it is in use now
	if again, err := backup.Restored(to); again != nil || err != nil {
		t.Errorf("the second start: %v, %v", again, err)
	}
}

// A copy that is not as it was made is not started.
func TestRestoredChecks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(file, manifest string) error{
		"a byte":       func(file, _ string) error { return os.WriteFile(file, []byte("hallo"), 0o600) },
		"cut off":      func(file, _ string) error { return os.Truncate(file, 3) },
		"missing":      func(file, _ string) error { return os.Remove(file) },
		"the manifest": func(_, manifest string) error { return os.Truncate(manifest, 20) },
		"SQLite's log": func(file, _ string) error { return os.WriteFile(file+"-wal", nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, to := data(t), filepath.Join(t.TempDir(), "copy")
			serve(t, source(dir, written("accounts.db", "hello")))
			_, err := take(t, dir, to)
			must(t, err)
			must(t, change(filepath.Join(to, "accounts.db"), filepath.Join(to, backup.ManifestName)))
			for range 2 { // it is refused again
				_, err = backup.Restored(to)
				if !errors.Is(err, backup.ErrChanged) && !errors.Is(err, backup.ErrLeft) && !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), to) {
					t.Errorf("error %v", err)
				}
			}
		})
	}
}

// fails takes a backup that must fail, and leaves nothing in the folder where it would be.
func fails(t *testing.T, dir string, want error, text string) {
	t.Helper()
	parent := t.TempDir()
	_, err := backup.Take(t.Context(), dir, filepath.Join(parent, "copy"), func(line string) {
		if strings.Contains(line, "\x1b") {
			t.Errorf("it says %q", line)
		}
	})
	if err == nil || want != nil && !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %v %q", err, want, text)
	}
	if left := names(t, parent); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := data(t)
	fails(t, dir, backup.ErrNotRunning, dir)
	stop := serve(t, source(dir, written("accounts.db", "hello")))
	full := filepath.Join(t.TempDir(), "full")
	must(t, os.Mkdir(full, 0o700))
	must(t, os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
	if _, err := take(t, dir, full); !errors.Is(err, backup.ErrNotEmpty) || !strings.Contains(err.Error(), full) {
		t.Errorf("into a folder with files: %v", err)
	}
	if got := names(t, filepath.Dir(full)); len(got) != 2 {
		t.Errorf("left behind: %q", got)
	}
	file := filepath.Join(full, "mine")
	if _, err := take(t, dir, file); err == nil {
		t.Error("a file was taken for a folder")
	}
	if _, err := take(t, dir, filepath.Join(full, "no", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("where there is no folder: %v", err)
	}
	stop()
	fails(t, dir, backup.ErrNotRunning, "")
}

// The socket of a killed process is in nobody's way, and neither are its unfinished copies.
func TestAfterAKill(t *testing.T) {
	t.Parallel()
	dir := data(t)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "rekey.sock")})
	must(t, err)
	dead.SetUnlinkOnClose(false)
	must(t, dead.Close())
	fails(t, dir, backup.ErrNotRunning, "")
	must(t, os.Mkdir(filepath.Join(dir, ".backup"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, ".backup", "temporal.db"), []byte("half"), 0o600))
	serve(t, source(dir, written("accounts.db", "hello")))
	made, err := take(t, dir, filepath.Join(t.TempDir(), "copy"))
	must(t, err)
	if len(made.Files) != 2 {
		t.Errorf("manifest %+v", made)
	}
}

// The operator is told of a file that cannot be copied, and nothing of the backup is kept.
func TestCopyFails(t *testing.T) {
	t.Parallel()
	dir := data(t)
	serve(t, source(dir, written("temporal.db", "all"), backup.Live{Name: "accounts.db", Copy: func(context.Context, string) error {
		return errors.New("no space left on device")
	}}))
	fails(t, dir, nil, "could not copy its data: no space left on device")
	for _, name := range names(t, dir) {
		if strings.HasPrefix(name, ".backup") {
			t.Errorf("the process keeps %q", name)
		}
	}
}

// One backup at a time.
func TestBusy(t *testing.T) {
	t.Parallel()
	dir := data(t)
	begun, goOn := make(chan struct{}), make(chan struct{})
	serve(t, source(dir, backup.Live{Name: "temporal.db", Copy: func(_ context.Context, path string) error {
		close(begun)
		<-goOn
		return os.WriteFile(path, nil, 0o600)
	}}))
	first := make(chan error, 1)
	to := filepath.Join(t.TempDir(), "copy")
	go func() {
		_, err := backup.Take(t.Context(), dir, to, func(string) {})
		first <- err
	}()
	<-begun
	fails(t, dir, backup.ErrBusy, "")
	close(goOn)
	must(t, <-first)
}

// A process that stops in the middle of a backup leaves none that looks whole, and closes
// nothing that a copy still uses.
func TestProcessStops(t *testing.T) {
	t.Parallel()
	dir := data(t)
	begun, copied := make(chan struct{}), make(chan struct{})
	stop := serve(t, source(dir, backup.Live{Name: "temporal.db", Copy: func(ctx context.Context, _ string) error {
		close(begun)
		<-ctx.Done()
		_ = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$").Run() // it takes a moment to see that
		close(copied)
		return ctx.Err()
	}}))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		fails(t, dir, backup.ErrUnfinished, "")
	}()
	<-begun
	stop()
	select {
	case <-copied:
	default:
		t.Error("Serve ended before the copy")
	}
	<-ended
}

// cut is a process that sends a part of an archive only.
type cut struct {
	net.Listener
	bytes int
}

func (c cut) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	return &short{conn, c.bytes}, err
}

type short struct {
	net.Conn
	left int
}

func (s *short) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b[:min(len(b), s.left)])
	s.left -= n
	if err == nil && n < len(b) {
		err = errors.Join(os.ErrDeadlineExceeded, s.Close())
	}
	return n, err
}

// A process that is killed while it sends, after whatever byte, leaves no backup.
func TestCutOff(t *testing.T) {
	t.Parallel()
	dir := data(t)
	whole := 0
	for bytes := 100; bytes < 8000; bytes += 301 {
		listener, err := backup.Listen(dir)
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- backup.Serve(ctx, cut{listener, bytes}, source(dir, written("temporal.db", strings.Repeat("x", 3000))))
		}()
		parent := t.TempDir()
		_, err = take(t, dir, filepath.Join(parent, "copy"))
		switch left := names(t, parent); {
		case err == nil: // only the end of the archive is missing
			whole++
			_, err := backup.Restored(filepath.Join(parent, "copy"))
			must(t, err)
		case !errors.Is(err, backup.ErrUnfinished) || len(left) > 0:
			t.Errorf("after %d bytes: %v, left behind: %q", bytes, err, left)
		}
		cancel()
		must(t, <-ended)
	}
	if whole < 1 || whole > 10 {
		t.Errorf("%d were whole", whole)
	}
}

// Only the owner and root may ask for the data.
func TestSocketIsPrivate(t *testing.T) {
	t.Parallel()
	dir := data(t)
	serve(t, source(dir))
	info, err := os.Stat(filepath.Join(dir, "rekey.sock"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// A process that somebody has broken into sends what it likes to a command of root. Nothing gets
// outside of the folder, or to the terminal.
//
// security 44: the command trusts the process with no path.
func TestForeignArchive(t *testing.T) {
	t.Parallel()
	const none = `{"files":[]}`
	for name, head := range map[string]tar.Header{
		"above":         {Name: "../evil", Typeflag: tar.TypeReg},
		"absolute":      {Name: "/tmp/evil", Typeflag: tar.TypeReg},
		"a link":        {Name: "evil", Linkname: "/etc", Typeflag: tar.TypeSymlink},
		"a folder":      {Name: "evil/", Typeflag: tar.TypeDir},
		"an escape":     {Name: "\x1b[2Jevil", Typeflag: tar.TypeReg},
		"twice":         {Name: backup.ManifestName + "/x", Typeflag: tar.TypeReg},
		"not in a list": {Name: "evil", Typeflag: tar.TypeReg},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := data(t)
			listener, err := backup.Listen(dir)
			must(t, err)
			server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				archive := tar.NewWriter(w)
				_ = archive.WriteHeader(&head)
				_ = archive.WriteHeader(&tar.Header{Name: backup.ManifestName, Size: int64(len(none)), Typeflag: tar.TypeReg})
				_, _ = archive.Write([]byte(none))
				_ = archive.Close()
			})}
			go func() { _ = server.Serve(listener) }()
			t.Cleanup(func() { _ = server.Close() })
			fails(t, dir, nil, "")
		})
	}
}

// Its texts are printed without characters that control a terminal.
func TestTextsAreHarmless(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := source(dir)
	s.Elsewhere = []string{"dump \x1b]0;it\a first"}
	stop := serve(t, s)
	made, err := take(t, dir, filepath.Join(t.TempDir(), "copy"))
	must(t, err)
	if made.Elsewhere[0] != "dump ?]0;it? first" {
		t.Errorf("%q", made.Elsewhere)
	}
	stop()
	serve(t, source(dir, backup.Live{Name: "temporal.db", Copy: func(context.Context, string) error { return errors.New("no \x1b[2Jroom") }}))
	fails(t, dir, nil, "no ?[2Jroom")
}
