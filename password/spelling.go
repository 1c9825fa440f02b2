package password

import (
	"crypto/subtle"
	"errors"
	"strconv"
	"strings"
)

// spelling is how one library writes the hashes of one function.
type spelling struct {
	name      string // in Text
	kdf       function
	salt      func(random []byte) []byte // the bytes that the function gets, of 16 random ones
	size      int                        // of the digest in bytes
	fixed     costs                      // of a library that writes none; zero for others
	normalize func(string) string        // what the library does to a password first; nil is nothing
	write     func(h hashed) string
	read      func(stored string) (hashed, bool) // may be lenient: write decides
}

// hashed is a stored hash in its parts.
type hashed struct {
	costs        costs
	salt, digest []byte
}

// spelled makes hashes that one library reads, with its costs.
type spelled struct {
	as    *spelling
	costs costs
}

// MaxBytes implements [Hasher].
func (spelled) MaxBytes() int { return 0 }

// Check implements [Hasher].
func (s spelled) Check() error {
	if s.as.fixed != (costs{}) && s.costs != s.as.fixed {
		return errors.New("password: the library knows one setting only")
	}
	return s.as.kdf.check(s.costs)
}

// Hash implements [Hasher]. It panics for costs that Check refuses. A Client has called Check.
func (s spelled) Hash(password string, salt []byte) string {
	salt = s.as.salt(salt)
	digest, err := s.digest(password, salt)
	if err != nil {
		panic(errors.New("password: the costs are not those that Check takes"))
	}
	return s.as.write(hashed{s.costs, salt, digest})
}

func (s spelled) digest(password string, salt []byte) ([]byte, error) {
	if s.as.normalize != nil {
		password = s.as.normalize(password)
	}
	return s.as.kdf.key(password, salt, s.costs, s.as.size)
}

func (s spelled) text() string {
	numbers := make([]string, s.as.kdf.count())
	for i := range numbers {
		numbers[i] = strconv.Itoa(s.costs[i])
	}
	return s.as.name + ":" + strings.Join(numbers, ",")
}

// verify is Verify for a hash that readSpelled has taken apart.
func (s spelled) verify(h hashed, password string) (bool, error) {
	got, err := s.digest(password, h.salt)
	if err != nil {
		return false, ErrHash
	}
	return subtle.ConstantTimeCompare(got, h.digest) == 1, nil
}

// maxSalt is the length of the longest salt that is read, in bytes.
const maxSalt = 64

// readSpelled finds the spelling of a stored hash, and takes it apart. No text has two spellings.
// Reading is lenient, so its result is written again and compared.
func readSpelled(stored string) (spelled, hashed, bool) {
	for i := range spellings {
		as := &spellings[i]
		h, ok := as.read(stored)
		if !ok || len(h.salt) > maxSalt || len(h.digest) != as.size {
			continue
		}
		if s := (spelled{as, h.costs}); s.Check() == nil && as.write(h) == stored {
			return s, h, true
		}
	}
	return spelled{}, hashed{}, false
}

// parseSpelled reads the text of a spelled. It may be lenient, parsed is strict.
func parseSpelled(text string) (Hasher, bool) {
	name, numbers, _ := strings.Cut(text, ":")
	for i := range spellings {
		if s := (spelled{as: &spellings[i]}); s.as.name == name {
			for i, number := range strings.SplitN(numbers, ",", len(s.costs)) {
				s.costs[i], _ = strconv.Atoi(number)
			}
			return s, true
		}
	}
	return nil, false
}
