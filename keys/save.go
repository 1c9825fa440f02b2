package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// save writes a keyset and, for submissions, its public half, which a starter gets. The
// private one comes first: a process with the public one must find it.
func (d Dir) save(u Use, h *keyset.Handle, m meta, place func(from, to string) error) error {
	if err := d.write(u, h, m, place); err != nil || u != Submission {
		return err
	}
	public, err := h.Public()
	if err != nil {
		return err
	}
	m.Use = SubmissionPublic
	return d.write(SubmissionPublic, public, m, place)
}

// write makes a file beside its place and moves it there in one step. So a crash leaves the old
// one or the new one.
func (d Dir) write(u Use, h *keyset.Handle, m meta, place func(from, to string) error) error {
	raw, err := marshal(h, m)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(d.path, ".keyset-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already if it was renamed
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), d.file(u)); err != nil {
		return err
	}
	return syncDir(d.path)
}

func marshal(h *keyset.Handle, m meta) ([]byte, error) {
	var tink bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&tink)); err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(content{m, tink.Bytes()}, "", "  ")
	return append(raw, '\n'), err
}

// replace puts a new file in the place of an old one, with the mode, owner and group of that. A
// service may read the keys as another user or through its group, and a rotation by root must
// not end that.
func replace(from, to string) error {
	switch info, err := os.Stat(to); {
	case errors.Is(err, os.ErrNotExist): // a public half that was not there
	case err != nil:
		return err
	default:
		// The mode comes last, because a change of the owner may clear bits of it.
		if err := keepOwner(from, info); err != nil {
			return fmt.Errorf("keep the owner of %s: %w", to, err)
		}
		if err := os.Chmod(from, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return os.Rename(from, to)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
