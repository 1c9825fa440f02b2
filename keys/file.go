package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// format marks rekey's files.
const format = "rekey/keyset/v1"

// meta is a file's data about its keyset.
type meta struct {
	Format  string    `json:"format"`
	Use     Use       `json:"use"`
	Dev     bool      `json:"dev,omitempty"`
	Created time.Time `json:"created"`
	// Promoted is when the primary key became it, zero for the first one.
	Promoted time.Time `json:"promoted,omitzero"`
	// Retired are the IDs of deleted keys. A worker does not wait for data that they sealed.
	Retired []uint32 `json:"retired,omitempty"`
	// Family authenticates the payloads of a deployment, whichever key seals them. It
	// stays when keys rotate. Only payload.json has one.
	Family []byte `json:"family,omitempty"`
}

// content is a file: Tink's own JSON and meta. The keys are in clear; the file's permissions
// protect them.
type content struct {
	meta
	Keyset json.RawMessage `json:"keyset"`
}

const familyLen = 32

func newMeta(u Use, dev bool) meta {
	m := meta{Format: format, Use: u, Dev: dev, Created: now()}
	if u == Payload {
		m.Family = make([]byte, familyLen)
		rand.Read(m.Family)
	}
	return m
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// load reads a keyset and judges the file that it opened. Its error is a [*FileError].
func (d Dir) load(u Use) (*keyset.Handle, meta, error) {
	h, m, err := d.parse(u)
	if err != nil {
		return nil, meta{}, &FileError{err}
	}
	return h, m, nil
}

func (d Dir) parse(u Use) (*keyset.Handle, meta, error) {
	raw, err := d.read(d.file(u))
	if errors.Is(err, os.ErrNotExist) {
		return nil, meta{}, fmt.Errorf("keyset %s: %w: make keysets with `rekey keys new`, or copy the ones that were made", u, err)
	}
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
