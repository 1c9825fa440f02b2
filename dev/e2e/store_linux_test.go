package e2e

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/password"
)

// limitFiles lets a program write no file beyond so many bytes: to it the disk is full, with
// EFBIG for ENOSPC. The limit can be taken back, and it is there for root as well.
func limitFiles(t *testing.T, p *process.Process, size uint64) {
	t.Helper()
	limit := syscall.Rlimit{Cur: size, Max: math.MaxUint64}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.Pid()), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
}

// begin asks for a reset and waits for the link.
func (s *site) begin(t *testing.T, who account.Account) (token string) {
	t.Helper()
	s.ask(t, who.Address)
	return s.token(t, who)
}

// ask asks for a reset. The answer is the same whatever the store is like, and for whoever.
func (s *site) ask(t *testing.T, address string) {
	t.Helper()
	a := s.postPatiently(t, "/account/forgot_password", `{"email":"`+address+`"}`)
	if diff := cmp.Diff(answer{code: 200, Status: "okay"}, a, cmp.AllowUnexported(answer{})); diff != "" {
		t.Errorf("forgot_password for %s: %s", address, diff)
	}
}

// submit sends a new password to a site whose store cannot be written: it is accepted, and
// known to be so.
func (s *site) submit(t *testing.T, token string) {
	t.Helper()
	a := s.postPatiently(t, "/account/reset_password/"+token, `{"password":"`+newPassword+`"}`)
	if a.code != 202 || a.Status != "pending" {
		t.Errorf("reset_password: %+v", a)
	}
}

// postPatiently posts again when Temporal does not answer the starter in time, as a client
// does who is told so: on a busy machine it may take longer.
func (s *site) postPatiently(t *testing.T, path, body string) (a answer) {
	t.Helper()
	for range 5 {
		if a, _ = s.post(t, path, body); a.code != 503 {
			break
		}
	}
	return a
}

// A full disk under a running worker: whoever asks is answered as ever, a new password is
// accepted, nothing is half done; and when there is room again all is done, without anybody
// doing anything.
//
// security 23.
func TestStoreOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(t, 0, "setup")
	worker := s.worker(t)
	s.starter(t)
	erin, frank := s.people[0], s.people[1]
	token := s.begin(t, erin)

	limitFiles(t, worker, 0)
	s.submit(t, token)
	s.ask(t, frank.Address)
	s.ask(t, "nobody@example.com")
	worker.Await(t, worker.Err, "file too large")
	s.checkUntouched(t, erin)

	limitFiles(t, worker, math.MaxUint64)
	if mails := s.mails(t, erin, 2); resetLink.MatchString(mails[1].Text) {
		t.Errorf("the second mail is no notice:\n%s", mails[1].Text)
	}
	s.token(t, frank)
	if a, _ := s.post(t, "/account/reset_password/"+token, `{"password":"`+newPassword+`"}`); a.code != 200 {
		t.Errorf("the same password again: %+v", a)
	}
	worker.Signal(t, syscall.SIGTERM)
	if code := worker.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.checkPassword(t, erin, newPassword)
}

// checkUntouched looks into a copy of the file, because a worker has it open.
func (s *site) checkUntouched(t *testing.T, who account.Account) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := copyFile(s.file(), path); err != nil {
		t.Fatal(err)
	}
	store, err := bolt.OpenExisting(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now, err := store.Account(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, demo.Password); !right || err != nil {
		t.Errorf("the password is another: %v", err)
	}
	log, err := store.Audit(t.Context(), who.ID)
	if err != nil || len(log) != 1 {
		t.Errorf("audit log: %v %v, want the mail alone", log, err)
	}
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}

// A worker whose store breaks says what to do, and one that is started on a broken store
// does so at once and ends. Meanwhile everybody is answered as ever and new passwords are
// accepted; with the store back, all is done.
//
// security 23.
func TestStoreIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(t, 0, "setup")
	worker := s.worker(t)
	s.starter(t)
	erin, frank := s.people[0], s.people[1]
	token := s.begin(t, erin)
	worker.Signal(t, syscall.SIGTERM)
	worker.Exit(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := copyFile(s.file(), backup); err != nil {
		t.Fatal(err)
	}

	worker = s.worker(t)
	if err := overwrite(s.file(), 0); err != nil {
		t.Fatal(err)
	}
	s.submit(t, token)
	s.ask(t, frank.Address)
	worker.Await(t, worker.Err, "the account store is damaged, or this file is none: check the path, or restore a backup")
	worker.Signal(t, syscall.SIGTERM)
	if code := worker.Exit(t); code != 0 {
		t.Errorf("worker with a damaged store: exit code %d after SIGTERM", code)
	}

	for name, broken := range s.breakages(backup) {
		os.RemoveAll(s.file())
		if err := broken.how(); err != nil {
			t.Fatal(err)
		}
		p := process.StartWith(t, broken.attr, s.program(t), s.env, "worker")
		if code := p.Exit(t); code != 1 {
			t.Errorf("%s: exit code %d", name, code)
		}
		if got := lastLine(p); !strings.HasPrefix(got, "rekey: --store ($REKEY_STORE): "+s.file()+": ") || !strings.Contains(got, broken.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	s.ask(t, "nobody@example.com")
	os.RemoveAll(s.file())
	if err := copyFile(backup, s.file()); err != nil {
		t.Fatal(err)
	}
	worker = s.worker(t)
	s.mails(t, erin, 2)
	s.token(t, frank)
	worker.Signal(t, syscall.SIGTERM)
	worker.Exit(t)
	s.checkPassword(t, erin, newPassword)
}

// breakage is a way in which a file is no good for a worker.
type breakage struct {
	how  func() error
	attr *syscall.SysProcAttr // who the worker is
	want string               // what it says
}

const (
	sayMissing  = "there is no account store: check the path"
	sayDamaged  = "the account store is damaged, or this file is none: check the path, or restore a backup"
	sayReadOnly = "must be readable and writable for this process"
)

func (s *site) breakages(backup string) map[string]breakage {
	page := int64(os.Getpagesize())
	write := func(text string) error { return os.WriteFile(s.file(), []byte(text), 0o600) }
	return map[string]breakage{
		"missing":      {func() error { return nil }, nil, sayMissing},
		"empty":        {func() error { return write("") }, nil, sayMissing},
		"text":         {func() error { return write("erin@example.com,secret\n") }, nil, sayDamaged},
		"folder":       {func() error { return os.Mkdir(s.file(), 0o700) }, nil, "is a directory"},
		"damaged page": {func() error { return errors.Join(copyFile(backup, s.file()), overwrite(s.file(), 2*page)) }, nil, sayDamaged},
		"cut off":      {func() error { return errors.Join(copyFile(backup, s.file()), os.Truncate(s.file(), 5*page)) }, nil, sayDamaged},
		"read only":    {func() error { return errors.Join(copyFile(backup, s.file()), s.readOnly()) }, somebody(), sayReadOnly},
	}
}

// overwrite leaves nothing of a file from somewhere on.
func overwrite(path string, from int64) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, len(b)-int(from)), from)
	return errors.Join(err, f.Close())
}

// readOnly lets others than root get at the file, to read it.
func (s *site) readOnly() error {
	var errs []error
	for _, dir := range []string{shared.Data, filepath.Dir(s.dir), s.dir} {
		errs = append(errs, os.Chmod(dir, 0o711))
	}
	return errors.Join(append(errs, os.Chmod(s.file(), 0o444))...)
}

// somebody is whom the mode of a file applies to: nobody instead of root.
func somebody() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	const nobody = 65534
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

func (*site) program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
