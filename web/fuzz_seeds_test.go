package web

import (
	"encoding/json"
	"mime"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
)

// bodySeeds are the seeds of the fuzz tests, a type and a body each: bodies of honest clients and
// near misses.
func bodySeeds() map[string][2]string {
	return map[string][2]string{
		"json":                {typeJSON, `{"email":"a@example.com"}`},
		"json-challenge":      {typeJSON, `{"email":"a@example.com","challenge":"42"}`},
		"json-replaced":       {typeJSON, `{"email":"�"}`},
		"json-reset":          {typeJSON + "; charset=UTF-8", ` {"token":"T","password":"p\"\\\u00e4","confirm":"p\"\\ä"}` + "\r\n"},
		"json-escaped-name":   {typeJSON, `{"\u0065mail":"a@example.com"}`},
		"json-repeated":       {typeJSON, `{"email":"a","\u0065mail":"b"}`},
		"json-mismatch":       {typeJSON, `{"password":"a","confirm":"b"}`},
		"json-other-case":     {typeJSON, `{"email":"a","EMAIL":"b"}`},
		"json-array":          {typeJSON, `{"email":["a","b"]}`},
		"json-object":         {typeJSON, `{"password":{"password":"p"}}`},
		"json-null":           {typeJSON, `{"email":null}`},
		"json-number":         {typeJSON, `{"password":1e999}`},
		"json-two-values":     {typeJSON, `{"email":"a"}{}`},
		"json-comma":          {typeJSON, `{"email":"a",}`},
		"json-surrogate":      {typeJSON, `{"password":"\ud800"}`},
		"json-surrogates":     {typeJSON, `{"password":"\ud83d\ude00"}`},
		"json-not-utf8":       {typeJSON, "{\"email\":\"\xff\"}"},
		"json-nul":            {typeJSON, `{"password":"\u0000"}`},
		"json-deep":           {typeJSON, `{"email":` + strings.Repeat("[", 300)},
		"json-nothing":        {typeJSON, `{}`},
		"json-empty":          {typeJSON, ``},
		"json-charset":        {typeJSON + "; charset=utf-16", `{"email":"a"}`},
		"form":                {typeForm, `email=a%40example.com`},
		"form-reset":          {typeForm + ";charset=utf-8", `token=T&password=p+%C3%A4%26%3D&confirm=p+%C3%A4%26%3D`},
		"form-mismatch":       {typeForm, `token=T&password=a&confirm=b`},
		"form-repeated":       {typeForm, `email=a&email=b`},
		"form-challenge":      {typeForm, `email=a%40example.com&challenge=42`},
		"form-array":          {typeForm, `email[]=a`},
		"form-bad-escape":     {typeForm, `password=%zz`},
		"form-semicolon":      {typeForm, `email=a;password=b`},
		"form-not-utf8":       {typeForm, `password=%ff`},
		"form-half-escaped":   {typeForm, "token=\xc3%a4"},
		"form-empty-segments": {typeForm, `&&password=p&`},
		"form-no-value":       {typeForm, `password`},
		"form-many":           {typeForm, strings.Repeat("a&", 300)},
		"multipart":           {"multipart/form-data; boundary=x", "--x--"},
		"no-type":             {"", `{"email":"a"}`},
		"nothing":             {"", ""},
		"broken-type":         {"application/json; =", `{}`},
	}
}

// To write the seeds again: go test ./web -run TestSeedCorpus -update
func TestSeedCorpus(t *testing.T) {
	t.Parallel()
	for name, s := range bodySeeds() {
		golden.Seed(t, "FuzzRequestBody", name, s[0], s[1])
		golden.Seed(t, "FuzzResetBody", name, s[0], s[1])
	}
}

// otherwise reads an accepted body in another way than the product. It fails the test when one of
// the rules for bodies does not hold.
func otherwise(t *testing.T, media, body string, names []string) fields {
	t.Helper()
	if len(body) > maxBody || !utf8.ValidString(body) {
		t.Errorf("taken: %d bytes, UTF-8 %v", len(body), utf8.ValidString(body))
	}
	kind, _, err := mime.ParseMediaType(media)
	read, members := fields{}, 0
	switch {
	case kind == typeJSON && err == nil:
		if err := json.Unmarshal([]byte(body), &read); err != nil {
			t.Errorf("taken: %q, of which encoding/json says %v", body, err)
		}
		members = quotes(body) / 4 // two for the name, two for the text
	case kind == typeForm && err == nil:
		for pair := range strings.SplitSeq(body, "&") {
			if pair == "" {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			read[unescaped(t, name)] = unescaped(t, value)
			members++
		}
	case media != "" || body != "":
		t.Errorf("taken: %q of type %q", body, media)
	}
	if members != len(read) {
		t.Errorf("taken: %q, with %d members of which one hides another", body, members)
	}
	for name, value := range read {
		if !slices.Contains(names, name) || strings.ContainsRune(value, utf8.RuneError) {
			t.Errorf("taken: %q for %q", value, name)
		}
	}
	return read
}

// quotes counts the quotes that begin and end texts. A member that is no text has fewer than four,
// one that holds a list of texts has more.
func quotes(body string) int {
	n, escaped := 0, false
	for _, b := range []byte(body) {
		if b == '"' && !escaped {
			n++
		}
		escaped = b == '\\' && !escaped
	}
	return n
}

func unescaped(t *testing.T, text string) string {
	t.Helper()
	out, err := url.QueryUnescape(text)
	if err != nil || strings.Contains(text, ";") {
		t.Errorf("taken: %q, %v", text, err)
	}
	return out
}
