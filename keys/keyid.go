package keys

import (
	"encoding/binary"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Every ciphertext of Tink begins with a version byte and the ID of its key.
const (
	prefixLen     = 5
	prefixVersion = 1
)

// keyIDs are the keys that a keyset has or has had: data that none of them opens, no future key
// will open.
type keyIDs map[uint32]bool

func known(h *keyset.Handle, m meta) keyIDs {
	ids := keyIDs{}
	for _, k := range h.KeysetInfo().GetKeyInfo() {
		ids[k.GetKeyId()] = true
	}
	for _, id := range m.Retired {
		ids[id] = true
	}
	return ids
}

// unopened says why something could not be opened.
func (ids keyIDs) unopened(sealed []byte) error {
	if len(sealed) < prefixLen || sealed[0] != prefixVersion {
		return ErrForeign
	}
	if id := binary.BigEndian.Uint32(sealed[1:prefixLen]); !ids[id] {
		return fmt.Errorf("key %d: %w", id, ErrUnknownKey)
	}
	return ErrForeign
}
