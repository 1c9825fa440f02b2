package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// NewPassword is what a submission says: which link was used and the hash of the
// password that was chosen. A starter seals it and only a worker can open it, so neither
// Temporal nor its operators, nor a codec server, nor the starter itself reads it back.
type NewPassword struct {
	Hash     string    // PHC string, as the store keeps it
	Token    [32]byte  // SHA-256 of the token
	Accepted time.Time // when the starter took it
}

// ID names a submission: the same for the same link and password, and without the
// token no way to test guesses at the hash.
func (p NewPassword) ID() string {
	mac := hmac.New(sha256.New, p.Token[:])
	mac.Write([]byte(p.Hash))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Sealer seals submissions (HPKE, RFC 9180). It is safe for concurrent use.
type Sealer struct{ encrypt tink.HybridEncrypt }

// SubmissionSealer returns what seals submissions.
func (d Dir) SubmissionSealer() (*Sealer, error) {
	h, _, err := d.load(SubmissionPublic)
	if err != nil {
		return nil, err
	}
	encrypt, err := hybrid.NewHybridEncrypt(h)
	return &Sealer{encrypt}, err
}

// Seal seals a submission for one context, which must name the run: moved to another
// run it does not open.
func (s *Sealer) Seal(p NewPassword, context string) ([]byte, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return s.encrypt.Encrypt(plain, submissionInfo(context))
}

// Opener opens submissions. It is safe for concurrent use.
type Opener struct {
	decrypt tink.HybridDecrypt
	known   map[uint32]bool
}

// SubmissionOpener returns what opens submissions.
func (d Dir) SubmissionOpener() (*Opener, error) {
	h, _, err := d.load(Submission)
	if err != nil {
		return nil, err
	}
	decrypt, err := hybrid.NewHybridDecrypt(h)
	return &Opener{decrypt, keyIDs(h)}, err
}

// Open opens a submission. ErrForeign means that it was never sealed for this context;
// ErrUnknownKey that it names a key that this process lacks.
func (o *Opener) Open(sealed []byte, context string) (NewPassword, error) {
	var p NewPassword
	plain, err := o.decrypt.Decrypt(sealed, submissionInfo(context))
	if err != nil {
		return p, unopened(sealed, o.known)
	}
	if json.Unmarshal(plain, &p) != nil {
		return NewPassword{}, ErrForeign
	}
	return p, nil
}

func submissionInfo(context string) []byte { return []byte("rekey/v1 submission|" + context) }

// Every ciphertext of Tink begins with a version byte and the ID of its key.
const (
	prefixLen     = 5
	prefixVersion = 1
)

// unopened says why something could not be opened.
func unopened(sealed []byte, known map[uint32]bool) error {
	if len(sealed) < prefixLen || sealed[0] != prefixVersion {
		return ErrForeign
	}
	if id := binary.BigEndian.Uint32(sealed[1:prefixLen]); !known[id] {
		return fmt.Errorf("key %d: %w", id, ErrUnknownKey)
	}
	return ErrForeign
}

func keyIDs(h *keyset.Handle) map[uint32]bool {
	ids := map[uint32]bool{}
	for _, k := range h.KeysetInfo().GetKeyInfo() {
		ids[k.GetKeyId()] = true
	}
	return ids
}
