// Package webhook signs requests to an application behind a URL, as Standard Webhooks describes, and
// sends them.
package webhook

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

// Secrets are the keys of Standard Webhooks that a request is signed with, each of them. So one can
// be replaced.
type Secrets [][]byte

// ErrSecret means that a secret cannot be used.
var ErrSecret = errors.New(`want a secret in each line, such as the output of: echo "whsec_$(openssl rand -base64 32)"`)

const prefix = "whsec_"

// parseSecrets reads one secret a line: whsec_ and 24 to 64 bytes in base64 (Standard Webhooks,
// "Signature scheme"). Error: ErrSecret.
func parseSecrets(text string) (all Secrets, err error) {
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

// Sign sets the three headers of Standard Webhooks. The signature is HMAC-SHA-256 of
// "id.timestamp.body".
func (secrets Secrets) Sign(h http.Header, id string, at time.Time, body string) {
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
