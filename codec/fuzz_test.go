package codec_test

import (
	"net/http"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rekeyhq/rekey/internal/golden"
)

// TestSeedCorpus writes down where fuzzing begins, but for what is sealed: that is another
// one each time.
func TestSeedCorpus(t *testing.T) {
	t.Parallel()
	const typeJSON = "application/json"
	for name, seed := range map[string][2]string{
		"in-clear":   {typeJSON, `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"InRleHQi"}]}`},
		"null":       {typeJSON, `{"payloads":[null]}`},
		"no-list":    {typeJSON, `{"payloads":{}}`},
		"not-sealed": {"application/json;", `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L3Jla2V5LXYx"},"data":"AAAA"}]}`},
		"deep":       {typeJSON, strings.Repeat(`{"payloads":[`, 100)},
		"text":       {"text/plain", ""},
	} {
		golden.Seed(t, "FuzzDecode", name, seed[0], seed[1])
	}
}

// FuzzDecode: whatever is sent, the answer is one of the few there are, and the only body
// that is opened has the number of payloads that was sent.
func FuzzDecode(f *testing.F) {
	s := newServer(f, nil)
	f.Add("application/json", s.sealed(f, "ann@example.com"))
	f.Fuzz(func(t *testing.T, media, body string) {
		a := s.ask(t, request(body, func(r *http.Request) { r.Header["Content-Type"] = []string{media} }))
		switch a.status {
		case http.StatusOK:
			var sent commonpb.Payloads
			if err := protojson.Unmarshal([]byte(body), &sent); err != nil || len(sent.Payloads) != len(opened(t, a)) {
				t.Errorf("%q, %v, was answered %s", body, err, a.body)
			}
		case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		default:
			t.Errorf("status %d: %s", a.status, a.body)
		}
	})
}
