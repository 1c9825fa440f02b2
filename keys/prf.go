package keys

import (
	"encoding/hex"

	"github.com/tink-crypto/tink-go/v2/prf"
)

// AccountKeys makes account keys. It is safe for concurrent use.
type AccountKeys struct{ set *prf.Set }

// AccountKeys returns the maker of account keys.
func (d Dir) AccountKeys() (*AccountKeys, error) {
	set, err := d.prf(Account)
	if err != nil {
		return nil, err
	}
	return &AccountKeys{set}, nil
}

// Key is the account key of a normalized address: 32 hexadecimal digits that say nothing about
// the address to a reader without the keyset.
func (k *AccountKeys) Key(address string) string {
	return hex.EncodeToString(compute(k.set, "rekey/v1 account|", []byte(address)))
}

// Salts makes salts for password hashes. It is safe for concurrent use.
type Salts struct{ set *prf.Set }

// Salts returns the maker of salts.
func (d Dir) Salts() (*Salts, error) {
	set, err := d.prf(Salt)
	if err != nil {
		return nil, err
	}
	return &Salts{set}, nil
}

// Salt is the salt for a link's password hash. It is always the same for the same link, so that
// a repeated submission is one submission. It differs from any other link's.
func (s *Salts) Salt(tokenDigest [32]byte) []byte {
	return compute(s.set, "rekey/v1 salt|", tokenDigest[:])
}

// ChallengeKey is the key, in hexadecimal digits, that signs the challenges of starters. All
// starters with the keyset share it. It is of no use for salts.
func (s *Salts) ChallengeKey() string {
	return hex.EncodeToString(compute(s.set, "rekey/v1 challenge|", nil))
}

func (d Dir) prf(u Use) (*prf.Set, error) {
	h, _, err := d.load(u)
	if err != nil {
		return nil, err
	}
	return prf.NewPRFSet(h)
}

// prfLen is the length of account keys and salts in bytes.
const prfLen = 16

func compute(set *prf.Set, label string, input []byte) []byte {
	out, err := set.ComputePrimaryPRF(append([]byte(label), input...), prfLen)
	if err != nil {
		panic(err) // only for a length that the PRF cannot give
	}
	return out
}
