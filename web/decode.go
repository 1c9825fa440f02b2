package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBody bounds a request body in bytes. An honest one has a token of 600 and a password of
// 1,024.
const maxBody = 16 << 10

const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// fields are the members of a request body; all are strings.
type fields map[string]string

// decode reads only a JSON object or a form of string fields. Each name is one of names, spelled
// exactly so, and comes at most once. Fields may be missing. The URL's query is never read: it
// ends up in logs, so a password in it must not work. The body must be UTF-8 before anything in it
// is unescaped. A letter of which one half is a byte and the other %a4 would be another text to a
// filter in front.
func decode(w http.ResponseWriter, r *http.Request, names ...string) (fields, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	parse := parserOf(r, body)
	if parse == nil {
		return nil, errContentType
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, errBodyTooLarge
	}
	if err != nil || !utf8.Valid(body) {
		return nil, errBodyInvalid
	}
	f := fields{}
	if err := parse(body, func(name, value string) error { return f.add(names, name, value) }); err != nil {
		return nil, err
	}
	return f, nil
}

// add refuses U+FFFD and text that is not UTF-8, which ContainsRune takes for it. Go's JSON
// decoder puts it in place of broken text (a lone surrogate). Two different passwords would become
// the same one.
func (f fields) add(names []string, name, value string) error {
	_, repeated := f[name]
	switch {
	case !slices.Contains(names, name):
		return &unknownField{name: name, known: names}
	case repeated:
		return errFieldRepeated
	case strings.ContainsRune(value, utf8.RuneError):
		return errBodyInvalid
	}
	f[name] = value
	return nil
}

// formError does not repeat the name of a field: a form parser takes any text for one, also a bare
// password.
func formError(err error) error {
	if unknown, ok := errors.AsType[*unknownField](err); ok {
		return &unknownField{known: unknown.known}
	}
	return err
}

type parser func(body []byte, add func(name, value string) error) error

// parserOf chooses by Content-Type; nil means an unsupported type. A body of no bytes needs no
// type, however it is framed: the token may be in the path.
func parserOf(r *http.Request, body []byte) parser {
	switch media := mediaType(r); {
	case media == typeJSON:
		return parseJSON
	case media == typeForm:
		return parseForm
	case media == "" && len(body) == 0:
		return func([]byte, func(string, string) error) error { return nil }
	}
	return nil
}

// mediaType is the Content-Type without its parameters. A charset other than UTF-8 makes it an
// unknown type.
func mediaType(r *http.Request) string {
	header := r.Header.Get("Content-Type")
	// The usual values need no parsing, and a request is checked several times.
	if header == "" || header == typeJSON || header == typeForm {
		return header
	}
	media, params, err := mime.ParseMediaType(header)
	if charset, ok := params["charset"]; err != nil || ok && !slices.Contains(utf8Labels, strings.ToLower(charset)) {
		return "unknown"
	}
	return media
}

// utf8Labels are the names of UTF-8 that browsers know (WHATWG Encoding, section 4.2).
var utf8Labels = []string{"utf-8", "utf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"}

// parseJSON walks the tokens of one flat object. The function json.Unmarshal would accept
// {"email":"a","EMAIL":"b"} and the last of two equal names, so a filter in front could read
// another request. Package encoding/json/v2 is strict about both but still an experiment of the
// standard library. The walk is short because requests have only string members.
func parseJSON(body []byte, add func(name, value string) error) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, _ := d.Token(); open != json.Delim('{') || !json.Valid(body) {
		return errBodyInvalid
	}
	for d.More() {
		name, _ := d.Token()
		value, _ := d.Token()
		text, ok := value.(string)
		if !ok {
			return errFieldType
		}
		if err := add(name.(string), text); err != nil {
			return err
		}
	}
	return nil
}

// parseForm reads the WHATWG form encoding from the body only, unlike
// http.Request.ParseForm, which mixes in the query.
func parseForm(body []byte, add func(name, value string) error) error {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return errBodyInvalid
	}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if err := add(name, value); err != nil {
				return formError(err)
			}
		}
	}
	return nil
}
