package link

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// Claims are the facts in a token, readable with the link key.
type Claims struct {
	RunID      string    // of the run that waits for the link; a UUID
	AccountKey string    // 32 lower-case hexadecimal digits; ends the workflow ID
	Expires    time.Time // whole seconds (fractions are dropped), UTC
	Address    string    // of the account
	Hash       string    // how its password is hashed, see password.Parse; empty leaves it to the starter
}

// Expired reports whether a link has ended, allowing for clocks that differ by skew.
func (c Claims) Expired(now time.Time, skew time.Duration) bool {
	return now.After(c.Expires.Add(skew))
}

// header begins the sealed bytes. The address follows, and Hash behind a NUL byte, which no
// address has. It is binary rather than JSON so that a link stays near 140 characters and mail
// programs do not break it.
type header struct {
	Run     [16]byte
	Account [16]byte
	Expires int64 // Unix seconds
}

// encode refuses claims that [decode] would not return unchanged. A run ID or account key that
// is not in its one usual spelling would name another workflow.
func (c Claims) encode() ([]byte, error) {
	h := header{Expires: c.Expires.Unix()}
	run, err := hex.DecodeString(strings.ReplaceAll(c.RunID, "-", ""))
	copy(h.Run[:], run)
	if err != nil || uuid(h.Run) != c.RunID {
		return nil, errors.New("the run ID is not a UUID in lower case")
	}
	key, err := hex.DecodeString(c.AccountKey)
	copy(h.Account[:], key)
	if err != nil || hex.EncodeToString(h.Account[:]) != c.AccountKey {
		return nil, errors.New("the account key is not 32 lower-case hexadecimal digits")
	}
	if strings.ContainsRune(c.Address+c.Hash, 0) {
		return nil, errors.New("the address or how to hash has a NUL byte")
	}
	b, err := binary.Append(nil, binary.BigEndian, h)
	b = append(b, c.Address...)
	if c.Hash != "" {
		b = append(append(b, 0), c.Hash...)
	}
	return b, err
}

// uuid is the text of a UUID (RFC 9562 section 4).
func uuid(b [16]byte) string { return string(appendUUID(nil, b)) }

func appendUUID(text []byte, b [16]byte) []byte {
	text = hex.AppendEncode(text, b[:4])
	for _, part := range [][]byte{b[4:6], b[6:8], b[8:10], b[10:]} {
		text = hex.AppendEncode(append(text, '-'), part)
	}
	return text
}

// decode makes one string, of which the claims are parts: each page view and each submission
// opens a link.
func decode(b []byte) (Claims, error) {
	var h header
	n, err := binary.Decode(b, binary.BigEndian, &h)
	if err != nil {
		return Claims{}, err
	}
	var room [maxText]byte
	text := appendUUID(room[:0], h.Run)
	run := len(text)
	text = hex.AppendEncode(text, h.Account[:])
	key := len(text)
	all := string(append(text, b[n:]...))
	address, hash, _ := strings.Cut(all[key:], "\x00")
	return Claims{RunID: all[:run], AccountKey: all[run:key], Expires: time.Unix(h.Expires, 0).UTC(), Address: address, Hash: hash}, nil
}
