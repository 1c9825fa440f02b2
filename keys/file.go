package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// format marks our files.
const format = "rekey/keyset/v1"

// maxFile is more than any keyset needs.
const maxFile = 1 << 20

// meta is what a file says about its keyset.
type meta struct {
	Format  string    `json:"format"`
	Use     Use       `json:"use"`
	Dev     bool      `json:"dev,omitempty"`
	Created time.Time `json:"created"`
	// Family authenticates the payloads of a deployment, whatever key seals them. It
	// stays when keys rotate. See Codec.
	Family []byte `json:"family,omitempty"`
}

// content is a file: Tink's own JSON with what Tink does not say. The keys are in
// clear; the file's permissions protect them.
type content struct {
	meta
	Keyset json.RawMessage `json:"keyset"`
}

const familyLen = 32

func newMeta(u Use, dev bool) meta {
	m := meta{Format: format, Use: u, Dev: dev, Created: time.Now().UTC().Truncate(time.Second)}
	if u == Payload {
		m.Family = make([]byte, familyLen)
		rand.Read(m.Family)
	}
	return m
}

// load reads a keyset and judges the file that it opened.
func (d Dir) load(u Use) (*keyset.Handle, meta, error) {
	raw, err := readPrivate(d.file(u))
	if err != nil {
		return nil, meta{}, fmt.Errorf("keyset %s: %w", u, err)
	}
	var c content
	if err := json.Unmarshal(raw, &c); err != nil || c.Format != format {
		return nil, meta{}, fmt.Errorf("%s is no keyset file of rekey: make one with `rekey keys new`", d.file(u))
	}
	if c.Use != u {
		return nil, meta{}, fmt.Errorf("%s holds the keyset for %s: the files are mixed up", d.file(u), c.Use)
	}
	if c.Dev && !d.allowDev {
		return nil, meta{}, fmt.Errorf("%s: %w", d.file(u), ErrDev)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(c.Keyset)))
	if err != nil {
		return nil, meta{}, fmt.Errorf("%s is damaged: restore it from your copy", d.file(u))
	}
	return h, c.meta, nil
}

// readPrivate reads a file that nobody else may read or change. The permissions are
// those of the opened file, so that it cannot be swapped in between. A group may read
// it, as Kubernetes and Compose mount secrets.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o027 != 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrPermissions)
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// save writes a keyset and, for submissions, its public half, which a starter gets.
// The private one comes first: whoever has the public one must find it.
func (d Dir) save(u Use, h *keyset.Handle, m meta) error {
	if err := d.write(u, h, m); err != nil || u != Submission {
		return err
	}
	public, err := h.Public()
	if err != nil {
		return err
	}
	m.Use = SubmissionPublic
	return d.write(SubmissionPublic, public, m)
}

// write replaces a file in one step, so that a crash leaves the old one or the new one.
func (d Dir) write(u Use, h *keyset.Handle, m meta) (err error) {
	var tink bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&tink)); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(content{m, tink.Bytes()}, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(d.path, ".keyset-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), d.file(u)); err != nil {
		return err
	}
	return syncDir(filepath.Dir(d.file(u)))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
