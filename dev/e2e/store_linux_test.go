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

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
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

// begin requests a reset and waits for the link.
func begin(t *testing.T, s *site.Site, who account.Account) (token string) {
	t.Helper()
	asks(t, s, who.Address)
	return s.Token(t, who, 1)
}

// asks requests a reset. The answer is the same for every store and address.
func asks(t *testing.T, s *site.Site, address string) {
	t.Helper()
	a := s.PostPatiently(t, "/account/forgot_password", map[string]string{"email": address})
	if a.HTTP != 200 || a.Status != "okay" || a.Code != "" {
		t.Errorf("forgot_password for %s: %+v", address, a)
	}
}

// A full disk under a running worker changes no answer. A new password is accepted, and nothing
// is half done. When there is room again all is done, without help.
//
// security 23.
func TestStoreOnAFullDisk(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	worker := s.Worker(t)
	s.Starter(t)
	erin, frank := s.People[0], s.People[1]
	token := begin(t, s, erin)

	limitFiles(t, worker, 0)
	s.Submit(t, token, newPassword)
	asks(t, s, frank.Address)
	asks(t, s, "nobody@example.com")
	worker.Await(t, worker.Err, "file too large")
	checkUntouched(t, s, erin)

	limitFiles(t, worker, math.MaxUint64)
	if mails := s.Mails(t, erin, 2); site.ResetLink.MatchString(mails[1].Text) {
		t.Errorf("the second mail is no notice:\n%s", mails[1].Text)
	}
	s.Token(t, frank, 1)
	s.Insist(t, token, newPassword)
	worker.Signal(t, syscall.SIGTERM)
	if code := worker.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkPassword(t, s, erin, newPassword)
}

// checkUntouched looks into a copy of the file, because a worker has it open.
func checkUntouched(t *testing.T, s *site.Site, who account.Account) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := copyFile(s.File(), path); err != nil {
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

// A worker whose store breaks reports the remedy, and one that is started on a broken store
// does so at once and ends. Meanwhile all answers stay the same and new passwords are accepted.
// With the store back, all is done.
//
// security 23.
func TestStoreIsBroken(t *testing.T) {
	t.Parallel()
	s := site.New(t)
	s.Run(t, 0, "setup")
	worker := s.Worker(t)
	s.Starter(t)
	erin, frank := s.People[0], s.People[1]
	token := begin(t, s, erin)
	worker.Signal(t, syscall.SIGTERM)
	worker.Exit(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := copyFile(s.File(), backup); err != nil {
		t.Fatal(err)
	}

	worker = s.Worker(t)
	if err := overwrite(s.File(), 0); err != nil {
		t.Fatal(err)
	}
	s.Submit(t, token, newPassword)
	asks(t, s, frank.Address)
	worker.Await(t, worker.Err, "the account store is damaged, or this file is none: check the path, or restore a backup")
	worker.Signal(t, syscall.SIGTERM)
	if code := worker.Exit(t); code != 0 {
		t.Errorf("worker with a damaged store: exit code %d after SIGTERM", code)
	}

	path := filepath.Join(s.Dir, "rekey") // which another user may run
	if err := errors.Join(copyFile(s.Program(t), path), os.Chmod(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	s.Path = path
	for name, broken := range breakages(s, backup) {
		os.RemoveAll(s.File())
		if err := broken.how(); err != nil {
			t.Fatal(err)
		}
		p := s.StartWith(t, broken.attr, nil, "worker")
		if code := p.Exit(t); code != 1 {
			t.Errorf("%s: exit code %d", name, code)
		}
		if got := lastLine(p); !strings.HasPrefix(got, "rekey: --store ($REKEY_STORE): "+s.File()+": ") || !strings.Contains(got, broken.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	asks(t, s, "nobody@example.com")
	os.RemoveAll(s.File())
	if err := copyFile(backup, s.File()); err != nil {
		t.Fatal(err)
	}
	worker = s.Worker(t)
	s.Mails(t, erin, 2)
	s.Token(t, frank, 1)
	worker.Signal(t, syscall.SIGTERM)
	worker.Exit(t)
	checkPassword(t, s, erin, newPassword)
}

// breakage is a way in which a file is no good for a worker.
type breakage struct {
	how  func() error
	attr *syscall.SysProcAttr // the user of the worker
	want string               // its error
}

const (
	sayMissing  = "there is no account store: check the path"
	sayDamaged  = "the account store is damaged, or this file is none: check the path, or restore a backup"
	sayReadOnly = "must be readable and writable for this process"
)

func breakages(s *site.Site, backup string) map[string]breakage {
	page := int64(os.Getpagesize())
	write := func(text string) error { return os.WriteFile(s.File(), []byte(text), 0o600) }
	return map[string]breakage{
		"missing":      {func() error { return nil }, nil, sayMissing},
		"empty":        {func() error { return write("") }, nil, sayMissing},
		"text":         {func() error { return write("erin@example.com,secret\n") }, nil, sayDamaged},
		"folder":       {func() error { return os.Mkdir(s.File(), 0o700) }, nil, "is a directory"},
		"damaged page": {func() error { return errors.Join(copyFile(backup, s.File()), overwrite(s.File(), 2*page)) }, nil, sayDamaged},
		"cut off":      {func() error { return errors.Join(copyFile(backup, s.File()), os.Truncate(s.File(), 5*page)) }, nil, sayDamaged},
		"read only":    {func() error { return errors.Join(copyFile(backup, s.File()), readOnly(s)) }, somebody(), sayReadOnly},
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
func readOnly(s *site.Site) error {
	var errs []error
	for _, dir := range []string{filepath.Dir(s.Dir), s.Dir} {
		errs = append(errs, os.Chmod(dir, 0o711))
	}
	return errors.Join(append(errs, os.Chmod(s.File(), 0o444))...)
}

// somebody is a user to whom the mode of a file applies: nobody instead of root.
func somebody() *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	const nobody = 65534
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
