package keys

import (
	"errors"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/rekeyhq/rekey/internal/secretfile"
)

// Use is the purpose of a keyset; with ".json" it is the name of its file.
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

// template is the kind of a use's new keys; a public half is derived from such a key.
func (u Use) template() *tinkpb.KeyTemplate {
	switch u {
	case Link, Payload:
		return aead.XAES256GCM192BitNonceKeyTemplate() // random nonces for any number of messages
	case Submission, SubmissionPublic:
		return hybrid.DHKEM_X25519_HKDF_SHA256_HKDF_SHA256_AES_256_GCM_Key_Template()
	case Account, Salt:
		return prf.HMACSHA256PRFKeyTemplate()
	default:
		return nil
	}
}

// Errors of this package.
var (
	// ErrExists means that Create found a keyset already.
	ErrExists = errors.New("the folder holds keysets already")
	// ErrDev means that a keyset was made for development and this process is not.
	ErrDev = errors.New("the keyset is for development only: make another with `rekey keys new`")
	// ErrPermissions means that others than its owner could read or change a file.
	ErrPermissions = secretfile.ErrPermissions
	// ErrNotRotated means that the keys of this use must never change.
	ErrNotRotated = errors.New("this keyset cannot be rotated: its values must never change")
	// ErrUse means that no keyset has this name.
	ErrUse = errors.New("unknown keyset: want link, payload or submission")
	// ErrNoKey means that a keyset has no key of that ID.
	ErrNoKey = errors.New("the keyset has no such key: see `rekey keys list`")
	// ErrPrimary means that a key cannot be retired because it is the one that seals.
	ErrPrimary = errors.New("this key seals new data: promote another one first")
	// ErrForeign means that rekey did not seal the data, or that it was altered, or was sealed
	// under a key that is retired.
	ErrForeign = errors.New("not sealed with a key of this keyset")
	// ErrUnknownKey means that rekey sealed the data under a key that this process lacks. It
	// waits for the key file that has it.
	ErrUnknownKey = errors.New("sealed under a key that this process lacks")
)

// Dir is a folder of keysets. Each method reads only the file it needs, and reads it anew; its
// result is safe for concurrent use.
type Dir struct {
	path     string
	allowDev bool
	read     func(path string) ([]byte, error)
}

// AllowDev makes a Dir take keysets that were made for development.
func AllowDev(d *Dir) { d.allowDev = true }

// byOperator makes root read the files of a service.
func byOperator(d *Dir) { d.read = secretfile.ReadAs }

// Open names a folder; nothing is read yet.
func Open(path string, options ...func(*Dir)) Dir {
	d := Dir{path: path, read: secretfile.Read}
	for _, o := range options {
		o(&d)
	}
	return d
}

// IsZero reports that a Dir names no folder: it was not made by Open.
func (d Dir) IsZero() bool { return d.read == nil }

// Link returns the AEAD that seals and opens links.
func (d Dir) Link() (tink.AEAD, error) {
	h, _, err := d.load(Link)
	if err != nil {
		return nil, err
	}
	return aead.New(h)
}

func (d Dir) file(u Use) string { return filepath.Join(d.path, string(u)+".json") }

// FileError is about a file of a keyset: it is missing, damaged, for another use, or others
// may read it. A caller that knows which setting named the folder adds that.
type FileError struct{ err error }

// Error names the file and the remedy.
func (e *FileError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.err }
