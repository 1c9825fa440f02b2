package keys

import (
	"crypto/hkdf"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/tink-crypto/tink-go/v2/daead/subtle"
)

// ErrMessage means that a Message-ID is none of a link mail, or of another deployment.
var ErrMessage = errors.New("the Message-ID is none of a mail with a link")

// LinkMail is a mail with a link, as its Message-ID names it.
type LinkMail struct {
	Flow       string // flow.Definition.Kind, 40 bytes at most
	AccountKey string // 32 lower-case hexadecimal digits
	RunID      string // of the run that mailed it, a UUID in lower case
	Name       string // of the mail, 16 hexadecimal digits or more, of which the first 16 count
}

// MessageIDs seals link mails into the left side of Message-IDs, and opens them. A Message-ID is
// public: each relay and each reader of the mail has it. So it is encrypted. It proves itself, and a
// forged one is refused without a call. It is safe for concurrent use.
//
// The seal is AES-SIV (RFC 5297), which has no nonce: a mail has one Message-ID on all attempts. Its
// key is made of the family key of payload.json, which no rotation changes.
type MessageIDs struct {
	siv   *subtle.AESSIV
	bound []byte
}

// MessageIDs returns the maker of the Message-IDs of a namespace.
func (d Dir) MessageIDs(namespace string) (*MessageIDs, error) {
	codec, err := d.Payload()
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha512.New, codec.family, nil, "rekey/v1 message-id", subtle.AESSIVKeySize)
	if err != nil {
		return nil, err
	}
	siv, err := subtle.NewAESSIV(key)
	return &MessageIDs{siv, []byte("rekey/v1 message-id|" + namespace)}, err
}

const (
	mailNameLen = 8                     // bytes
	factsLen    = 16 + 16 + mailNameLen // run, account key, name; the flow follows
	maxFlow     = 40
	sivLen      = 16
)

var messageEncoding = base64.RawURLEncoding

// Seal returns the left side of the Message-ID of a mail: up to 128 letters, digits, hyphens and
// underscores. It fails for a mail that Open would not return unchanged, but for its Name.
func (m *MessageIDs) Seal(l LinkMail) (string, error) {
	run, runErr := hex.DecodeString(strings.ReplaceAll(l.RunID, "-", ""))
	account, accountErr := hex.DecodeString(l.AccountKey)
	if len(l.Name) < 2*mailNameLen || len(l.Flow) > maxFlow || l.Flow == "" {
		return "", ErrMessage
	}
	name, nameErr := hex.DecodeString(l.Name[:2*mailNameLen])
	facts := append(append(append(append([]byte(nil), run...), account...), name...), l.Flow...)
	l.Name = l.Name[:2*mailNameLen]
	if errors.Join(runErr, accountErr, nameErr) != nil || len(run) != 16 || parseFacts(facts) != l {
		return "", ErrMessage
	}
	sealed, err := m.siv.EncryptDeterministically(facts, m.bound)
	return messageEncoding.EncodeToString(sealed), err
}

// Open returns the mail of a Message-ID, with or without angle brackets and its right side. It makes
// no call. Errors: ErrMessage.
func (m *MessageIDs) Open(id string) (LinkMail, error) {
	id, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(id), "<"), "@")
	if len(id) > messageEncoding.EncodedLen(sivLen+factsLen+maxFlow) {
		return LinkMail{}, ErrMessage
	}
	sealed, err := messageEncoding.DecodeString(id)
	if err != nil || len(sealed) <= sivLen+factsLen {
		return LinkMail{}, ErrMessage
	}
	facts, err := m.siv.DecryptDeterministically(sealed, m.bound)
	if err != nil {
		return LinkMail{}, ErrMessage
	}
	return parseFacts(facts), nil
}

// parseFacts reads facts of the right length.
func parseFacts(facts []byte) LinkMail {
	if len(facts) <= factsLen {
		return LinkMail{}
	}
	run := hex.EncodeToString(facts[:16])
	return LinkMail{
		RunID:      strings.Join([]string{run[:8], run[8:12], run[12:16], run[16:20], run[20:]}, "-"),
		AccountKey: hex.EncodeToString(facts[16:32]), Name: hex.EncodeToString(facts[32:factsLen]), Flow: string(facts[factsLen:]),
	}
}
