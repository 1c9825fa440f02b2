package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// codecEncoding marks rekey's payloads in Temporal.
const codecEncoding = "binary/rekey-v1"

// Codec seals every payload that Temporal keeps, with its metadata, and refuses every payload
// that it did not seal. An attacker with access to Temporal but not to the keys cannot feed
// data to a run. It is safe for concurrent use.
//
// Sealed data is a MAC under the family key and then Tink's ciphertext, which begins
// with the ID of its key. The package comment says why.
type Codec struct {
	aead   tink.AEAD
	known  keyIDs
	family []byte
}

var _ converter.PayloadCodec = (*Codec)(nil)

// Payload returns the payload codec.
func (d Dir) Payload() (*Codec, error) {
	h, m, err := d.load(Payload)
	if err != nil {
		return nil, err
	}
	if len(m.Family) != familyLen {
		return nil, fmt.Errorf("%s is damaged: restore it from your copy", d.file(Payload))
	}
	a, err := aead.New(h)
	if err != nil {
		return nil, err
	}
	return &Codec{a, known(h, m), m.Family}, nil
}

// Encode seals payloads, each on its own.
func (c *Codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, c.seal)
}

// Decode opens payloads. It passes nothing through: one that it cannot open refuses all
// of them. Errors: ErrForeign, ErrUnknownKey.
func (c *Codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return each(payloads, c.open)
}

func each(in []*commonpb.Payload, f func(*commonpb.Payload) (*commonpb.Payload, error)) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(in))
	for i, p := range in {
		var err error
		if out[i], err = f(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var payloadContext = []byte("rekey/v1 payload")

func (c *Codec) seal(p *commonpb.Payload) (*commonpb.Payload, error) {
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	sealed, err := c.aead.Encrypt(plain, payloadContext)
	if err != nil {
		return nil, err
	}
	return &commonpb.Payload{
		Metadata: map[string][]byte{converter.MetadataEncoding: []byte(codecEncoding)},
		Data:     append(c.tag(sealed), sealed...),
	}, nil
}

// IsSealed reports that a payload claims to be sealed by a Codec; only Decode proves it.
func IsSealed(p *commonpb.Payload) bool {
	return string(p.GetMetadata()[converter.MetadataEncoding]) == codecEncoding
}

func (c *Codec) open(p *commonpb.Payload) (*commonpb.Payload, error) {
	if !IsSealed(p) || len(p.GetData()) < tagLen {
		return nil, ErrForeign
	}
	tag, sealed := p.GetData()[:tagLen], p.GetData()[tagLen:]
	if !hmac.Equal(tag, c.tag(sealed)) {
		return nil, ErrForeign
	}
	plain, err := c.aead.Decrypt(sealed, payloadContext)
	if err != nil {
		return nil, c.known.unopened(sealed)
	}
	out := &commonpb.Payload{}
	if err := proto.Unmarshal(plain, out); err != nil {
		return nil, ErrForeign
	}
	return out, nil
}

const tagLen = 16

func (c *Codec) tag(sealed []byte) []byte {
	mac := hmac.New(sha256.New, c.family)
	mac.Write([]byte("rekey/v1 family|"))
	mac.Write(sealed)
	return mac.Sum(nil)[:tagLen]
}
