package link

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Claims are the facts in a token, readable for whoever holds the link key.
type Claims struct {
	RunID      string    // Temporal's run ID, a UUID
	AccountKey string    // 32 hexadecimal digits; ends the workflow ID
	Expires    time.Time // whole seconds, UTC
	Address    string    // of the account
}

// Layout of the sealed bytes: run ID, account key, expiry in Unix seconds, address.
const (
	keyLen   = 16
	fixedLen = 16 + keyLen + 8
)

func (c Claims) encode() ([]byte, error) {
	run, err := uuid.Parse(c.RunID)
	if err != nil {
		return nil, errors.New("the run ID is no UUID")
	}
	key, err := hex.DecodeString(c.AccountKey)
	if err != nil || len(key) != keyLen {
		return nil, errors.New("the account key is not 32 hexadecimal digits")
	}
	b := make([]byte, 0, fixedLen+len(c.Address))
	b = append(b, run[:]...)
	b = append(b, key...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Expires.Unix()))
	return append(b, c.Address...), nil
}

func decode(b []byte) (Claims, error) {
	if len(b) < fixedLen {
		return Claims{}, ErrInvalid
	}
	return Claims{
		RunID:      uuid.UUID(b[:16]).String(),
		AccountKey: hex.EncodeToString(b[16 : 16+keyLen]),
		Expires:    time.Unix(int64(binary.BigEndian.Uint64(b[16+keyLen:fixedLen])), 0).UTC(),
		Address:    string(b[fixedLen:]),
	}, nil
}
