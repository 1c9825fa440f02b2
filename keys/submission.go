package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/tink-crypto/tink-go/v2/hybrid"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// NewPassword is the content of a submission: the used link and the hash of the new password. A
// starter seals it and only a worker can open it. Neither Temporal nor its operators, nor a
// codec server, nor the starter itself reads it back.
type NewPassword struct {
	Hash     string    // PHC string, as the store keeps it
	Digest   [32]byte  `json:"Token"` // of the token, see link.Digest
	Accepted time.Time // when the starter took it
	Client   string    `json:",omitempty"` // network address of the caller, for the audit log
}

// ID names a submission: the same for the same link and password, and without the
// token no way to test guesses at the hash.
func (p NewPassword) ID() string {
	mac := hmac.New(sha256.New, p.Digest[:])
	mac.Write([]byte(p.Hash))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Sealer seals submissions (HPKE, RFC 9180). It is safe for concurrent use.
type Sealer struct{ encrypt tink.HybridEncrypt }

// SubmissionSealer returns the sealer of submissions.
func (d Dir) SubmissionSealer() (*Sealer, error) {
	h, _, err := d.load(SubmissionPublic)
	if err != nil {
		return nil, err
	}
	encrypt, err := hybrid.NewHybridEncrypt(h)
	if err != nil {
		return nil, err
	}
	return &Sealer{encrypt}, nil
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
	known   keyIDs
}

// SubmissionOpener returns the opener of submissions.
func (d Dir) SubmissionOpener() (*Opener, error) {
	h, m, err := d.load(Submission)
	if err != nil {
		return nil, err
	}
	decrypt, err := hybrid.NewHybridDecrypt(h)
	if err != nil {
		return nil, err
	}
	return &Opener{decrypt, known(h, m)}, nil
}

// Open opens a submission. ErrForeign means that it was never sealed for this context, or under
// a key that is retired. ErrUnknownKey means that it names a key that this process lacks. Only
// a submission inside a payload of rekey is worth waiting for: a submission alone does not
// prove its sender.
func (o *Opener) Open(sealed []byte, context string) (NewPassword, error) {
	var p NewPassword
	plain, err := o.decrypt.Decrypt(sealed, submissionInfo(context))
	if err != nil {
		return p, o.known.unopened(sealed)
	}
	if json.Unmarshal(plain, &p) != nil {
		return NewPassword{}, ErrForeign
	}
	return p, nil
}

func submissionInfo(context string) []byte { return []byte("rekey/v1 submission|" + context) }
