// Package body reads the bodies of requests: a flat JSON object, or a form, of named texts.
package body

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

// Max bounds a request body in bytes. An honest one has a token of 600 and a password of 1,024.
const Max = 16 << 10

// Media types of bodies.
const (
	JSON = "application/json"
	Form = "application/x-www-form-urlencoded"
)

// Errors of [Read].
var (
	ErrInvalid     = errors.New("the body is not a JSON object or form of text")
	ErrTooLarge    = errors.New("the body is too large")
	ErrUnknown     = errors.New("unknown field")
	ErrRepeated    = errors.New("repeated field")
	ErrType        = errors.New("a field is not a string")
	ErrContentType = errors.New("content type not supported")
)

// Fields are the members of a request body; all are strings.
type Fields map[string]string

// Read reads only a JSON object or a form of string fields, of at most so many bytes. Each name is one of names, spelled
// exactly so, and comes at most once. Fields may be missing. The URL's query is never read: it
// ends up in logs, so a password in it must not work. The body must be UTF-8 before anything in it
// is unescaped. A letter of which one half is a byte and the other %a4 would be another text to a
// filter in front.
//
// Errors: those of this package; an [UnknownField] is ErrUnknown.
func Read(w http.ResponseWriter, r *http.Request, most int64, names ...string) (Fields, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	parse := parserOf(r, body)
	if parse == nil {
		return nil, ErrContentType
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, ErrTooLarge
	}
	if err != nil || !utf8.Valid(body) {
		return nil, ErrInvalid
	}
	f := Fields{}
	if err := parse(body, func(name, value string) error { return f.add(names, name, value) }); err != nil {
		return nil, err
	}
	return f, nil
}

// add refuses U+FFFD and text that is not UTF-8, which ContainsRune takes for it. Go's JSON
// decoder puts it in place of broken text (a lone surrogate). Two different passwords would become
// the same one.
func (f Fields) add(names []string, name, value string) error {
	_, repeated := f[name]
	switch {
	case !slices.Contains(names, name):
		return &UnknownField{name: name, known: names}
	case repeated:
		return ErrRepeated
	case strings.ContainsRune(value, utf8.RuneError):
		return ErrInvalid
	}
	f[name] = value
	return nil
}

// formError does not repeat the name of a field: a form parser takes any text for one, also a bare
// password.
func formError(err error) error {
	if unknown, ok := errors.AsType[*UnknownField](err); ok {
		return &UnknownField{known: unknown.known}
	}
	return err
}

type parser func(body []byte, add func(name, value string) error) error

// parserOf chooses by Content-Type; nil means an unsupported type. A body of no bytes needs no
// type, however it is framed: the token may be in the path.
func parserOf(r *http.Request, body []byte) parser {
	switch media := MediaType(r); {
	case media == JSON:
		return parseJSON
	case media == Form:
		return parseForm
	case media == "" && len(body) == 0:
		return func([]byte, func(string, string) error) error { return nil }
	}
	return nil
}

// MediaType is the Content-Type without its parameters. A charset other than UTF-8 makes it an
// unknown type.
func MediaType(r *http.Request) string {
	header := r.Header.Get("Content-Type")
	// The usual values need no parsing, and a request is checked several times.
	if header == "" || header == JSON || header == Form {
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
		return ErrInvalid
	}
	for d.More() {
		name, _ := d.Token()
		value, _ := d.Token()
		text, ok := value.(string)
		if !ok {
			return ErrType
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
		return ErrInvalid
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
