package codecserver_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/keys"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	a := s.ask(t, request(s.sealed(t, "ann@example.com", 7), nil))
	var address string
	var n int
	check(t, converter.GetDefaultDataConverter().FromPayloads(&commonpb.Payloads{Payloads: opened(t, a)}, &address, &n))
	if address != "ann@example.com" || n != 7 {
		t.Errorf("decoded %q and %d", address, n)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type: %q", got)
	}
}

// The command line and the UI send nothing when a field is empty.
func TestDecodeNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	if got := opened(t, s.ask(t, request(`{"payloads":[]}`, nil))); len(got) != 0 {
		t.Errorf("decoded %d payloads", len(got))
	}
}

// security 27: there is no way to have a payload made, sealed already or not, alone or among
// others, and no other path.
func TestNoEncode(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	plain := value[*commonpb.Payload](t)(converter.GetDefaultDataConverter().ToPayload("ann@example.com"))
	for _, body := range []string{inJSON(t, plain), inJSON(t, plain, plain), s.sealed(t, "x"), `{"payloads":[{}]}`} {
		a := s.ask(t, encode(body, nil))
		if a.status != http.StatusForbidden || a.code != "encode_refused" || strings.Contains(a.body, "ann") {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	for _, path := range []string{"/download", "/", "/decode/", "/encode/", "/accounts/encode", "/decode/../encode", "//decode"} {
		for _, body := range []string{inJSON(t, plain), `{}`} {
			a := s.ask(t, request(body, func(r *http.Request) { r.URL.Path = path }))
			if a.status != http.StatusNotFound || a.code != "not_found" {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
}

// Temporal's command line sends this before a query or signal, which fails without an answer.
func TestEncodeNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, body := range []string{`{}`, `{"payloads":[]}`} {
		a := s.ask(t, encode(body, nil))
		if got := opened(t, a); len(got) != 0 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v %v", body, got, a.header)
		}
	}
}

// /encode refuses every request that /decode refuses before it looks at payloads.
func TestEncodeNothingFor(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for name, tc := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"nobody":       {`{}`, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"another page": {`{}`, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") }, 403},
		"a reader":     {`{}`, func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"a form":       {`{}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"much":         {strings.Repeat(" ", codecserver.MaxBody+1), nil, 413},
		"no JSON":      {`[`, nil, 400},
	} {
		if a := s.ask(t, encode(tc.body, tc.change)); a.status != tc.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tc.status)
		}
	}
}

// encode is a request to have payloads sealed.
func encode(body string, change func(*http.Request)) *http.Request {
	r := request(body, change)
	r.URL.Path = "/encode"
	return r
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "post"} {
		a := s.ask(t, request(s.sealed(t, "x"), func(r *http.Request) { r.Method = method }))
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST, OPTIONS" {
			t.Errorf("%s: %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
}

// security 28: the payload keyset opens a payload that holds a submission. The content is still
// sealed: neither the hash nor the digest of the token shows in any spelling.
func TestSubmissionStaysSealed(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	secrets := keys.NewPassword{Hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA", Digest: [32]byte{1, 2, 3}, Accepted: time.Now()}
	sealer := value[*keys.Sealer](t)(keys.Open(s.dir, keys.AllowDev).SubmissionSealer())
	sealed := value[[]byte](t)(sealer.Seal(secrets, "run"))
	payloads := opened(t, s.ask(t, request(s.sealed(t, map[string]any{"sealed": sealed}), nil)))
	var shown struct{ Sealed []byte }
	check(t, json.Unmarshal(payloads[0].Data, &shown))
	if !cmp.Equal(shown.Sealed, sealed) {
		t.Error("the answer is not the sealed submission")
	}
	opener := value[*keys.Opener](t)(keys.Open(s.dir, keys.AllowDev).SubmissionOpener())
	if got := value[keys.NewPassword](t)(opener.Open(shown.Sealed, "run")); got.Hash != secrets.Hash {
		t.Errorf("a worker reads %q", got.Hash)
	}
	for _, mark := range []string{"argon2id", secrets.Hash[len(secrets.Hash)-20:], string(secrets.Digest[:])} {
		for _, text := range []string{string(payloads[0].Data), string(shown.Sealed)} {
			if strings.Contains(text, mark) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(mark))) {
				t.Errorf("the answer shows %q", mark)
			}
		}
	}
}

// One payload that only claims to be sealed refuses all, and the answer does not say which it
// was.
func TestRefusedPayloads(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	seal := func() *commonpb.Payload {
		plain := value[*commonpb.Payload](t)(converter.GetDefaultDataConverter().ToPayload("ann@example.com"))
		return value[[]*commonpb.Payload](t)(s.codec.Encode([]*commonpb.Payload{plain}))[0]
	}
	ours, altered := seal(), seal()
	altered.Data[len(altered.Data)-1] ^= 1
	check(t, rotate(s.dir))
	s.codec = value[*keys.Codec](t)(keys.Open(s.dir, keys.AllowDev).Payload())
	newer := seal()
	for code, bad := range map[string]*commonpb.Payload{"payload_foreign": altered, "key_unknown": newer} {
		first := s.ask(t, request(inJSON(t, bad, ours), nil))
		last := s.ask(t, request(inJSON(t, ours, bad), nil))
		if first.status != http.StatusUnprocessableEntity || first.code != code || first.body != last.body {
			t.Errorf("%s: %d %s and %s", code, first.status, first.body, last.body)
		}
	}
}

// Unsealed payloads between sealed ones are shown as they are: search attributes, and values
// that a client without keys has put into a run.
func TestPayloadsInClearStay(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	c := converter.GetDefaultDataConverter()
	first, last := value[*commonpb.Payload](t)(c.ToPayload("first")), value[*commonpb.Payload](t)(c.ToPayload("last"))
	sealed := value[[]*commonpb.Payload](t)(s.codec.Encode([]*commonpb.Payload{first, last}))
	plain := &commonpb.Payload{
		Metadata: map[string][]byte{"encoding": []byte("json/plain"), "type": []byte("Keyword")}, Data: []byte(`"completed"`),
	}
	got := opened(t, s.ask(t, request(inJSON(t, plain, sealed[0], plain, sealed[1], &commonpb.Payload{}), nil)))
	want := []*commonpb.Payload{plain, first, plain, last, {}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
}

func rotate(dir string) error {
	id, err := keys.Add(dir, keys.Payload)
	if err != nil {
		return err
	}
	return keys.Promote(dir, keys.Payload, id)
}

func TestBodies(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	good := s.sealed(t, "x")
	for name, tc := range map[string]struct {
		body, media string
		status      int
		code        string
	}{
		"charset":      {good, "application/json; charset=utf-8", 200, ""},
		"no type":      {good, "", 415, "content_type_unsupported"},
		"form":         {good, "text/plain", 415, "content_type_unsupported"},
		"empty":        {"", "application/json", 400, "body_invalid"},
		"not JSON":     {"payloads", "application/json", 400, "body_invalid"},
		"array":        {"[]", "application/json", 400, "body_invalid"},
		"other fields": {`{"payloads":[],"more":1}`, "application/json", 400, "body_invalid"},
		"not base64":   {`{"payloads":[{"data":"ann@example.com"}]}`, "application/json", 400, "body_invalid"},
		"two values":   {good + good, "application/json", 400, "body_invalid"},
		"deep":         {strings.Repeat("[", 1<<19), "application/json", 400, "body_invalid"},
		"longest":      {good + strings.Repeat(" ", codecserver.MaxBody-len(good)), "application/json", 200, ""},
		"too long":     {good + strings.Repeat(" ", codecserver.MaxBody-len(good)+1), "application/json", 413, "body_too_large"},
	} {
		a := s.ask(t, request(tc.body, func(r *http.Request) { r.Header.Set("Content-Type", tc.media) }))
		if a.status != tc.status || a.code != tc.code || strings.Contains(a.body, "ann") {
			t.Errorf("%s: %d %s, want %d %s", name, a.status, a.body, tc.status, tc.code)
		}
	}
}

// The log has the sender and the size of a request, and nothing of its content.
func TestLog(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.ask(t, request(s.sealed(t, "ann@example.com", 7), func(r *http.Request) {
		r.Header.Set("X-Namespace", strings.Repeat("n", 300))
	}))
	var line struct {
		Level, Method, Code, Who, Namespace, Client, Message string
		Status, Payloads                                     int
	}
	check(t, json.Unmarshal(s.log.Bytes(), &line))
	want := line
	want.Level, want.Method, want.Who, want.Status, want.Payloads = "info", "POST", "bearer", 200, 2
	want.Namespace, want.Client, want.Message = strings.Repeat("n", 255), "192.0.2.1:1234", "codec request"
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}
	if log := s.log.String(); strings.Contains(log, "ann") || strings.Contains(log, secret) {
		t.Errorf("log: %s", log)
	}
}

func TestLogOfRefusal(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	s.ask(t, request(s.sealed(t, "ann@example.com"), func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") }))
	log := s.log.String()
	if !strings.Contains(log, `"status":401`) || !strings.Contains(log, `"code":"unauthorized"`) || strings.Contains(log, "wrong") {
		t.Errorf("log: %s", log)
	}
}

type broken struct{ err error }

func (b broken) Decode([]*commonpb.Payload) ([]*commonpb.Payload, error) { return nil, b.err }

func TestOtherErrorsAreOurs(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *codecserver.Config) { c.Decoder = broken{errors.New("the disk is gone")} })
	a := s.ask(t, request(`{"payloads":[]}`, nil))
	if a.status != 500 || a.code != "internal" || strings.Contains(a.body, "disk") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(s.log.String(), `"level":"error","error":"the disk is gone"`) {
		t.Errorf("log: %s", s.log.String())
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	known := []codecserver.Auth{value[codecserver.Auth](t)(codecserver.Bearer(secret))}
	for name, c := range map[string]codecserver.Config{
		"no way to know":   {Origin: ui},
		"no origin":        {Auth: known},
		"any origin":       {Auth: known, Origin: "*"},
		"null":             {Auth: known, Origin: "null"},
		"with a path":      {Auth: known, Origin: ui + "/"},
		"with credentials": {Auth: known, Origin: "https://ann@temporal.example.com"},
		"other scheme":     {Auth: known, Origin: "file://temporal.example.com"},
		"in clear":         {Auth: known, Origin: "http://temporal.example.com"},
		"upper case":       {Auth: known, Origin: "HTTPS://temporal.example.com"},
	} {
		if _, err := codecserver.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
