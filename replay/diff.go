package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Diff names the fields that JSON text lacks, or holds otherwise, in comparison with was: "no
// Owed.To" or "another Address". New fields are allowed. It returns only the names of fields;
// those of the elements of a list come once.
//
// Two strings that same calls equal are; nil stands for ==.
func Diff(was, is []byte, same func(was, is string) bool) ([]string, error) {
	before, err := decode(was)
	if err != nil {
		return nil, err
	}
	after, err := decode(is)
	if err != nil {
		return nil, err
	}
	if same == nil {
		same = func(was, is string) bool { return was == is }
	}
	d := differ{same: same}
	d.value("", before, after)
	slices.Sort(d.found)
	return slices.Compact(d.found), nil
}

// decode keeps numbers as they are written.
func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("%d bytes that are no JSON", len(text)) // the error quotes them
	}
	return v, nil
}

type differ struct {
	same  func(was, is string) bool
	found []string
}

func (d *differ) value(path string, was, is any) {
	switch was := was.(type) {
	case map[string]any:
		now, ok := is.(map[string]any)
		d.must(ok, path)
		d.object(path, was, now)
	case []any:
		now, ok := is.([]any)
		d.must(ok && len(was) == len(now), path)
		for i := range min(len(was), len(now)) {
			d.value(path, was[i], now[i])
		}
	case string:
		now, ok := is.(string)
		d.must(ok && (was == now || d.same(was, now)), path)
	default:
		d.must(was == is, path)
	}
}

func (d *differ) object(path string, was, is map[string]any) {
	if is == nil {
		return // named already
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		below := name
		if path != "" {
			below = path + "." + name
		}
		now, ok := is[name]
		if !ok {
			d.found = append(d.found, "no "+below)
			continue
		}
		d.value(below, was[name], now)
	}
}

func (d *differ) must(ok bool, path string) {
	if path == "" {
		path = "value"
	}
	if !ok {
		d.found = append(d.found, "another "+path)
	}
}
