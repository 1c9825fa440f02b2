package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// absent fails when one of the secrets is somewhere, however it is spelled.
func absent(t *testing.T, where string, in []byte, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if len(secret) < 12 {
			t.Fatalf("%q may be found by chance", secret)
		}
		if names := told(in, secret); len(names) > 0 {
			t.Errorf("%s holds %q (%s)", where, secret, strings.Join(names, ", "))
		}
	}
}

// told lists the spellings in which a secret is somewhere, in whatever case its letters
// are.
func told(in []byte, secret string) []string {
	var found []string
	lower := bytes.ToLower(in)
	for name, form := range spellings(secret) {
		if bytes.Contains(in, []byte(form)) || bytes.Contains(lower, bytes.ToLower([]byte(form))) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// spellings are the ways in which bytes may be written. Base64 has three, one for each place in
// a group where the bytes may begin. The characters at the ends depend on neighbors and are
// left out.
func spellings(secret string) map[string]string {
	numbers := strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")
	forms := map[string]string{
		"clear":         secret,
		"hex":           hex.EncodeToString([]byte(secret)),
		"percent":       url.PathEscape(secret),
		"path":          (&url.URL{Path: "/" + secret}).EscapedPath()[1:],
		"percent, +":    url.QueryEscape(secret),
		"all percent":   strings.ReplaceAll(fmt.Sprintf("% x", " "+secret), " ", "%")[2:],
		"JSON":          inJSON(secret),
		"log":           strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(inJSON(secret)),
		"Go":            inner(strconv.Quote(secret)),
		"ASCII":         inner(strconv.QuoteToASCII(secret)),
		"HTML":          html.EscapeString(secret),
		"numbers":       numbers,
		"numbers, JSON": strings.ReplaceAll(numbers, " ", ","),
	}
	for name, text := range map[string]string{"base64": secret, "base64 of JSON": inJSON(secret)} {
		for skip := range 3 {
			padded := append(make([]byte, skip), text...)
			middle := func(e *base64.Encoding) string {
				text := e.EncodeToString(padded)
				return text[4 : len(text)-4]
			}
			name := fmt.Sprintf("%s+%d", name, skip)
			forms[name], forms[name+" URL"] = middle(base64.RawStdEncoding), middle(base64.RawURLEncoding)
		}
	}
	return forms
}

func inJSON(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return text // not reached: texts marshal
	}
	return inner(string(b))
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

// Text that the usual encoders have written is found, at any position.
func TestTold(t *testing.T) {
	t.Parallel()
	const secret = `Scanned <pine> & "gülden" 77/é?`
	if found := told([]byte("nothing of Scanned <pine> here"), secret); len(found) != 0 {
		t.Errorf("found %q where it is not", found)
	}
	for offset := range 4 {
		all := "before"[:offset] + secret + " after"
		for name, text := range map[string]string{
			"clear": all, "clear, upper": strings.ToUpper(all),
			"%x": fmt.Sprintf("%x", all), "%X": fmt.Sprintf("%X", all), "%q": fmt.Sprintf("%q", all),
			"%+q": fmt.Sprintf("%+q", all), "%d": fmt.Sprintf("%d", []byte(all)), "%v": fmt.Sprintf("%v", map[string][]byte{"a": []byte(all)}),
			"JSON": encoded(t, all), "JSON, base64": encoded(t, []byte(all)), "JSON in JSON, base64": encoded(t, map[string][]byte{"b": []byte(encoded(t, all))}),
			"JSON numbers": strings.ReplaceAll(fmt.Sprintf("%d", []byte(all)), " ", ","),
			"query":        url.Values{"p": {all}}.Encode(), "path": (&url.URL{Path: "/" + all}).String(), "every byte": percented(all),
			"base64 URL": base64.URLEncoding.EncodeToString([]byte(all)), "HTML": html.EscapeString(all),
		} {
			if len(told([]byte(text), secret)) == 0 {
				t.Errorf("%s: not found in %s", name, text)
			}
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func percented(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
