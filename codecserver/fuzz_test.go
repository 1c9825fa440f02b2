package codecserver_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/keys"
)

// frozen is a server with the keysets that package keys has committed, and payloads that
// were sealed under them. Git keeps no permissions, so the keysets are copied.
func frozen(tb testing.TB) (s *server, sealed map[string]*commonpb.Payload) {
	tb.Helper()
	dir := tb.TempDir()
	from := filepath.Join("..", "keys", "testdata")
	for _, file := range value[[]os.DirEntry](tb)(os.ReadDir(filepath.Join(from, "keys"))) {
		text := value[[]byte](tb)(os.ReadFile(filepath.Join(from, "keys", file.Name())))
		check(tb, os.WriteFile(filepath.Join(dir, file.Name()), text, 0o600))
	}
	s = newServer(tb, func(c *codecserver.Config) {
		c.Decoder = value[*keys.Codec](tb)(keys.Open(dir, keys.AllowDev).Payload())
	})
	var vectors struct{ Payloads map[string][]byte }
	check(tb, json.Unmarshal(value[[]byte](tb)(os.ReadFile(filepath.Join(from, "vectors.json"))), &vectors))
	sealed = map[string]*commonpb.Payload{}
	for age, data := range vectors.Payloads {
		sealed[age] = &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/rekey-v1")}, Data: data}
	}
	return s, sealed
}

// bodies are where fuzzing begins: a type and a body each.
func bodies(tb testing.TB) map[string][2]string {
	tb.Helper()
	const media = "application/json"
	_, sealed := frozen(tb)
	plain := &commonpb.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`"text"`)}
	primary := compact(tb, sealed["primary"])
	all := map[string][2]string{
		"mixed":       {media, compact(tb, plain, sealed["primary"], plain, sealed["older"])},
		"charset":     {media + "; charset=utf-8", primary},
		"cut":         {media, primary[:len(primary)-9] + `"}]}`},
		"in-clear":    {media, compact(tb, plain)},
		"null":        {media, `{"payloads":[null]}`},
		"object":      {media, `{"payloads":{}}`},
		"nothing":     {media, `{}`},
		"empty":       {media, ""},
		"tag-only":    {media, `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L3Jla2V5LXYx"},"data":"AAAA"}]}`},
		"no-data":     {media, `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L3Jla2V5LXYx"}}]}`},
		"not-base64":  {media, `{"payloads":[{"data":"ann@example.com"}]}`},
		"more-fields": {media, `{"payloads":[],"more":1}`},
		"two-values":  {media, primary + primary},
		"deep":        {media, strings.Repeat(`{"payloads":[`, 100)},
		"text":        {"text/plain", primary},
		"broken-type": {"application/json;", primary},
	}
	for age, p := range sealed {
		all[age] = [2]string{media, compact(tb, p)}
	}
	return all
}

// compact is inJSON without the spaces that protojson puts in at random.
func compact(tb testing.TB, payloads ...*commonpb.Payload) string {
	tb.Helper()
	return string(value[[]byte](tb)(json.Marshal(json.RawMessage(inJSON(tb, payloads...)))))
}

// To write the seeds again: go test ./codecserver -run TestSeedCorpus -update
func TestSeedCorpus(t *testing.T) {
	t.Parallel()
	for name, b := range bodies(t) {
		golden.Seed(t, "FuzzDecode", name, b[0], b[1])
	}
}

// FuzzDecode: every request gets one of few answers. Only sealed payloads are opened, payloads
// in clear stay as they are, and a refusal quotes nothing.
func FuzzDecode(f *testing.F) {
	s, sealed := frozen(f)
	good := map[string]string{}
	for _, age := range []string{"primary", "older"} {
		good[string(sealed[age].Data)] = age
	}
	f.Fuzz(func(t *testing.T, media, body string) {
		s.log.Reset()
		a := s.ask(t, request(body, func(r *http.Request) { r.Header["Content-Type"] = []string{media} }))
		if refusals := []int{http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}; slices.Contains(refusals, a.status) {
			if len(a.body) > 256 {
				t.Errorf("%d: %s", a.status, a.body)
			}
			return
		}
		var sent commonpb.Payloads
		if err := protojson.Unmarshal([]byte(body), &sent); err != nil {
			t.Fatalf("%q, %v, was answered %d %s", body, err, a.status, a.body)
		}
		got := opened(t, a)
		if len(got) != len(sent.Payloads) {
			t.Fatalf("%d payloads for %q", len(got), body)
		}
		for i, p := range sent.Payloads {
			age, known := good[string(p.GetData())]
			switch {
			case !keys.IsSealed(p) && !proto.Equal(p, got[i]):
				t.Errorf("%v was in clear and became %v", p, got[i])
			case keys.IsSealed(p) && (!known || string(got[i].Data) != `"`+age+`"`):
				t.Errorf("%v was opened: %v", p, got[i])
			}
		}
	})
}
