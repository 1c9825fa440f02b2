package link_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/link"
)

// security 11: no way of printing or marshaling a token, alone or inside something,
// shows it.
func TestTokenIsNeverPrinted(t *testing.T) {
	t.Parallel()
	token := seal(t, newBox(t, frozenKey(t), base, namespace), link.Reset, claims())
	type holder struct{ token link.Token }
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%t"}
	for _, verb := range verbs {
		if got := fmt.Sprintf(verb, token); got != "[token]" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	values := []any{
		token, &token,
		[]link.Token{token},
		map[string]link.Token{"a": token},
		struct{ Token link.Token }{token},
		holder{token},
		&holder{token},
		[]holder{{token}},
	}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range verbs {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		_ = json.NewEncoder(&out).Encode(v)
		_ = xml.NewEncoder(&out).Encode(v)
		_ = gob.NewEncoder(&out).Encode(v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	}
	fmt.Fprintln(&out, token.String(), token.GoString(), fmt.Errorf("open %v", token))

	secret, err := base64.RawURLEncoding.DecodeString(token.Text())
	check(t, err)
	decimal := strings.Trim(fmt.Sprintf("%d", secret[30:40]), "[]")
	for _, spelling := range []string{
		token.Text()[40:53], string(secret[30:40]), decimal, strings.ReplaceAll(decimal, " ", ","),
		hex.EncodeToString(secret[30:40]), strings.ToUpper(hex.EncodeToString(secret[30:40])),
		base64.StdEncoding.EncodeToString(secret[30:39]), strings.Trim(fmt.Sprintf("%#v", secret[30:40]), "[]byte{}"),
		strings.Trim(fmt.Sprintf("%o", secret[30:40]), "[]"), strings.Trim(fmt.Sprintf("%b", secret[30:40]), "[]"),
		strings.Trim(fmt.Sprintf("%U", secret[30:40]), "[]"),
	} {
		if strings.Contains(out.String(), spelling) {
			t.Errorf("the token is printed as %s", spelling)
		}
	}
	if !strings.Contains(out.String(), `{"Token":"[token]"}`) {
		t.Error("JSON does not say [token]")
	}
}

// security 4, 11: the token's bytes are hashed, and the store's key is the hash of that hash.
func TestDigests(t *testing.T) {
	t.Parallel()
	token := seal(t, newBox(t, frozenKey(t), base, namespace), link.Reset, claims())
	secret, err := base64.RawURLEncoding.DecodeString(token.Text())
	check(t, err)
	once := link.Digest(sha256.Sum256(secret))
	if token.Digest() != once {
		t.Error("the digest is not SHA-256 of the token's bytes")
	}
	if once.RecordKey() != sha256.Sum256(once[:]) {
		t.Error("the record key is not SHA-256 of the digest")
	}
}

func TestZeroTokenIsEmpty(t *testing.T) {
	t.Parallel()
	var token link.Token
	if token.Text() != "" || token.Digest() != sha256.Sum256(nil) {
		t.Error("the zero token has bytes")
	}
}
