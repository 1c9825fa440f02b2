// Package keys holds every key of rekey and what is sealed under them.
//
// Each use has a keyset (Tink) in a file of its own, so that a process is given only
// what it needs: a starter can open links and seal submissions, only a worker can open
// submissions, a codec server can read payloads and nothing else.
//
//	link.json            AEAD   seals links                        starter, worker
//	payload.json         AEAD   seals all that Temporal keeps      everybody
//	submission.json      HPKE   opens submissions                  worker
//	submission.pub.json  HPKE   seals submissions                  starter
//	account.json         PRF    makes account keys of addresses    starter, find, cancel
//	salt.json            PRF    makes salts of tokens              starter
//
// Keysets rotate in three steps, with all processes restarted in between: Add a key,
// Promote it, and Retire the old one when nothing is left that it sealed. The two PRFs
// do not rotate: another account key would be another workflow ID, and an account could
// have two runs at once; another salt would make a repeated submission look like a
// different one.
package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Use is what a keyset is for; with ".json" it is the name of its file.
type Use string

// The uses of keysets.
const (
	Link             Use = "link"
	Payload          Use = "payload"
	Submission       Use = "submission"
	SubmissionPublic Use = "submission.pub"
	Account          Use = "account"
	Salt             Use = "salt"
)

// Uses lists all uses.
func Uses() []Use { return []Use{Link, Payload, Submission, SubmissionPublic, Account, Salt} }

// template is the kind of a use's new keys. The public half of submissions has none:
// it is derived.
func (u Use) template() *tinkpb.KeyTemplate {
	switch u {
	case Link, Payload:
		return aead.XAES256GCM192BitNonceKeyTemplate()
	case Submission:
		return hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template()
	default:
		return prf.HMACSHA256PRFKeyTemplate()
	}
}

// Errors of this package.
var (
	// ErrExists means that Create found a keyset already.
	ErrExists = errors.New("the folder holds keysets already")
	// ErrDev means that a keyset was made for development and this process is not.
	ErrDev = errors.New("the keyset is for development only: make another with `rekey keys new`")
	// ErrPermissions means that others than its owner could read or change a file.
	ErrPermissions = errors.New("others may read or change the keyset file: run chmod 0600 (or 0640) on it")
	// ErrNotRotated means that the keys of this use must never change.
	ErrNotRotated = errors.New("this keyset cannot be rotated: what it made must come out the same for ever")
	// ErrForeign means that something is not sealed by us, or was altered.
	ErrForeign = errors.New("not sealed under our keys")
	// ErrUnknownKey means that something was sealed by us, under a key that this
	// process lacks: it waits for the key file that has it.
	ErrUnknownKey = errors.New("sealed under a key that this process lacks")
)

// Dir is a folder of keysets. Each method reads only the file it needs.
type Dir struct {
	path     string
	allowDev bool
}

// AllowDev makes a Dir take keysets that were made for development.
func AllowDev(d *Dir) { d.allowDev = true }

// Open names a folder; nothing is read yet.
func Open(path string, options ...func(*Dir)) Dir {
	d := Dir{path: path}
	for _, o := range options {
		o(&d)
	}
	return d
}

// Link returns what seals and opens links.
func (d Dir) Link() (tink.AEAD, error) {
	h, _, err := d.load(Link)
	if err != nil {
		return nil, err
	}
	return aead.New(h)
}

// Create makes a folder with a fresh keyset for every use, or nothing: it does not touch
// a folder that holds one (ErrExists). With dev they are marked as being for
// development, and production commands refuse them.
func Create(dir string, dev bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	d := Open(dir)
	for _, u := range Uses() {
		switch _, err := os.Lstat(d.file(u)); {
		case err == nil:
			return fmt.Errorf("%s: %w", d.file(u), ErrExists)
		case !errors.Is(err, os.ErrNotExist):
			return err
		}
	}
	for _, u := range slices.DeleteFunc(Uses(), func(u Use) bool { return u == SubmissionPublic }) {
		h, err := keyset.NewHandle(u.template())
		if err != nil {
			return err
		}
		if err := d.save(u, h, newMeta(u, dev)); err != nil {
			return err
		}
	}
	return nil
}

func (d Dir) file(u Use) string { return filepath.Join(d.path, string(u)+".json") }
