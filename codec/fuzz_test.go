package codec_test

import (
	"net/http"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// FuzzDecode: whatever is sent, the answer is one of the few there are, and the only body
// that is opened has the number of payloads that was sent.
func FuzzDecode(f *testing.F) {
	s := newServer(f, nil)
	f.Add("application/json", s.sealed(f, "ann@example.com"))
	f.Add("application/json", `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"InRleHQi"}]}`)
	f.Add("application/json", `{"payloads":[null]}`)
	f.Add("application/json", `{"payloads":{}}`)
	f.Add("application/json;", `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L3Jla2V5LXYx"},"data":"AAAA"}]}`)
	f.Add("text/plain", "")
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
