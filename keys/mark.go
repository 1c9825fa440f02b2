package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// markLen is enough to tell two deployments apart, and too little to be worth anything else.
const markLen = 4

// Mark is a keyed hash of a text, by which processes with the same payload.json find out
// whether they have the same text. A reader without the family key learns nothing from it, and
// cannot test guesses at the text.
func (c *Codec) Mark(text string) string {
	mac := hmac.New(sha256.New, c.family)
	mac.Write([]byte("rekey/v1 mark|" + text))
	return hex.EncodeToString(mac.Sum(nil)[:markLen])
}

// KeyIDs are the IDs of the keys in a keyset, in order. They are no secret: all data sealed by
// a key begins with its ID, and both halves of a pair have the same.
func (d Dir) KeyIDs(u Use) ([]uint32, error) {
	h, _, err := d.load(u)
	if err != nil {
		return nil, err
	}
	var ids []uint32
	for _, k := range h.KeysetInfo().GetKeyInfo() {
		ids = append(ids, k.GetKeyId())
	}
	slices.Sort(ids)
	return ids, nil
}
