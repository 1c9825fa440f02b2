package codecserver_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/keys"
)

const (
	ui     = "https://temporal.example.com"
	secret = "0123456789abcdef0123456789abcdef"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// value is the result of a call that must succeed.
func value[T any](tb testing.TB) func(T, error) T {
	tb.Helper()
	return func(v T, err error) T { tb.Helper(); check(tb, err); return v }
}

// server is a handler with its log, and the keys it opens payloads with.
type server struct {
	http.Handler
	log   bytes.Buffer
	dir   string
	codec *keys.Codec
}

// newServer knows the bearer of the secret, unless a change says otherwise.
func newServer(tb testing.TB, change func(*codecserver.Config)) *server {
	tb.Helper()
	s := &server{dir: filepath.Join(tb.TempDir(), "keys")}
	check(tb, keys.Create(s.dir, true))
	s.codec = value[*keys.Codec](tb)(keys.Open(s.dir, keys.AllowDev).Payload())
	c := codecserver.Config{
		Decoder: s.codec, Origin: ui, Auth: []codecserver.Auth{value[codecserver.Auth](tb)(codecserver.Bearer(secret))}, Log: zerolog.New(&s.log),
	}
	if change != nil {
		change(&c)
	}
	s.Handler = value[http.Handler](tb)(codecserver.New(c))
	return s
}

// request is a valid one, with changes by a test.
func request(body string, change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/decode?preserveStorageRefs=true", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Namespace", "accounts")
	r.Header.Set("Origin", ui)
	r.Header.Set("Authorization", "Bearer "+secret)
	if change != nil {
		change(r)
	}
	return r
}

// answer is the answer to a client.
type answer struct {
	status int
	code   string
	header http.Header
	body   string
}

func (s *server) ask(tb testing.TB, r *http.Request) answer {
	tb.Helper()
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	a := answer{status: rec.Code, header: rec.Header(), body: rec.Body.String()}
	if a.status >= 400 {
		var p struct{ Code, Message string }
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || p.Code == "" || p.Message == "" {
			tb.Errorf("status %d with the body %q", a.status, a.body)
		}
		a.code = p.Code
	}
	return a
}

// sealed is the body of a request for values that the server can open.
func (s *server) sealed(tb testing.TB, values ...any) string {
	tb.Helper()
	plain := value[*commonpb.Payloads](tb)(converter.GetDefaultDataConverter().ToPayloads(values...))
	return inJSON(tb, value[[]*commonpb.Payload](tb)(s.codec.Encode(plain.Payloads))...)
}

func inJSON(tb testing.TB, payloads ...*commonpb.Payload) string {
	tb.Helper()
	return string(value[[]byte](tb)(protojson.Marshal(&commonpb.Payloads{Payloads: payloads})))
}

// opened are the payloads of an answer.
func opened(tb testing.TB, a answer) []*commonpb.Payload {
	tb.Helper()
	var p commonpb.Payloads
	if a.status != http.StatusOK {
		tb.Fatalf("status %d: %s", a.status, a.body)
	}
	check(tb, protojson.Unmarshal([]byte(a.body), &p))
	return p.Payloads
}
