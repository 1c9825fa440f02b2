package hosturl

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// secret is a key of Standard Webhooks.
type secret []byte

// ErrSecret means that a secret cannot be used.
var ErrSecret = errors.New(`want a secret in each line, such as the output of: echo "whsec_$(openssl rand -base64 32)"`)

const prefix = "whsec_"

// parseSecrets reads one secret a line: whsec_ and 24 to 64 bytes in base64 (Standard Webhooks,
// "Signature scheme"). A request is signed with all of them, so that one can be replaced.
func parseSecrets(text string) (all []secret, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		encoded, ok := strings.CutPrefix(line, prefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, ErrSecret
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, ErrSecret
	}
	return all, nil
}

// sign sets the three headers of Standard Webhooks. The signature is HMAC-SHA-256 of
// "id.timestamp.body".
func sign(h http.Header, secrets []secret, id string, at time.Time, body string) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, 0, len(secrets))
	for _, key := range secrets {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}
