package password

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// codec is how salts or digests are written.
type codec struct {
	encode func([]byte) string
	decode func(string) ([]byte, error)
}

var ( //nolint:gochecknoglobals // constants
	asText      = codec{func(b []byte) string { return string(b) }, func(s string) ([]byte, error) { return []byte(s), nil }}
	standard    = codec{base64.StdEncoding.EncodeToString, base64.StdEncoding.DecodeString}
	hexadecimal = codec{hex.EncodeToString, hex.DecodeString}
	dotted      = codec{dots.EncodeToString, dots.DecodeString}
	dots        = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)
)

// inLayout writes and reads a text with places for the costs, the salt and the digest.
func inLayout(layout string, salt, digest codec) (write func(hashed) string, read func(string) (hashed, bool)) {
	const text = `([!-#%-~]{1,100})` // printable, but "$" separates
	pattern := regexp.MustCompile("^" + strings.NewReplacer(
		"<1>", "([0-9]{1,9})", "<2>", "([0-9]{1,9})", "<3>", "([0-9]{1,9})", "<salt>", text, "<digest>", `([0-9A-Za-z./+=]{1,200})`,
	).Replace(regexp.QuoteMeta(layout)) + "$")
	places := regexp.MustCompile("<[a-z1-3]+>").FindAllString(layout, -1)
	write = func(h hashed) string {
		return strings.NewReplacer(
			"<1>", strconv.Itoa(h.costs[0]), "<2>", strconv.Itoa(h.costs[1]), "<3>", strconv.Itoa(h.costs[2]),
			"<salt>", salt.encode(h.salt), "<digest>", digest.encode(h.digest),
		).Replace(layout)
	}
	read = func(stored string) (h hashed, ok bool) {
		found := pattern.FindStringSubmatch(stored)
		if found == nil {
			return h, false
		}
		var errs [2]error
		for i, place := range places {
			switch part := found[i+1]; place {
			case "<salt>":
				h.salt, errs[0] = salt.decode(part)
			case "<digest>":
				h.digest, errs[1] = digest.decode(part)
			default:
				h.costs[place[1]-'1'], _ = strconv.Atoi(part) // digits
			}
		}
		return h, errors.Join(errs[:]...) == nil
	}
	return write, read
}

func asItIs(random []byte) []byte { return random }

// letters writes random bytes as so many letters and digits. All of 16 bytes fit in 22; of fewer
// letters each is as likely as another, but for a share of 2^-32.
func letters(random []byte, n int) []byte {
	text := strings.Repeat("0", n) + new(big.Int).SetBytes(random).Text(62)
	return []byte(text[len(text)-n:])
}
