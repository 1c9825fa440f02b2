package replay_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/replay"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ was, is, want string }{
		"equal":                 {`{"a":1,"b":["x",{"c":null}]}`, `{"b":["x",{"c":null}],"a":1}`, ""},
		"a new field":           {`{"a":{"b":1}}`, `{"a":{"b":1,"c":2},"d":3}`, ""},
		"a renamed field":       {`{"a":1}`, `{"b":1}`, "no a"},
		"a field in another":    {`{"a":{"b":1,"c":2}}`, `{"a":{"b":2}}`, "another a.b, no a.c"},
		"elements, told once":   {`{"a":[{"b":1},{"b":2}]}`, `{"a":[{},{}]}`, "no a.b"},
		"an element more":       {`{"a":["x"]}`, `{"a":["x","y"]}`, "another a"},
		"an element less":       {`{"a":["x","y"]}`, `{"a":["x"]}`, "another a"},
		"another type":          {`{"a":{"b":1}}`, `{"a":"b"}`, "another a"},
		"a list no more":        {`{"a":[1]}`, `{"a":1}`, "another a"},
		"a large number":        {`{"a":9007199254740993}`, `{"a":9007199254740992}`, "another a"},
		"no object":             {`7`, `8`, "another value"},
		"the same by agreement": {`{"a":"run 1"}`, `{"a":"run 2"}`, ""},
		"in another case":       {`{"Mails":1}`, `{"mails":1}`, "no Mails"},
	} {
		alike := func(was, is string) bool { return strings.HasPrefix(was, "run ") && strings.HasPrefix(is, "run ") }
		got, err := replay.Diff([]byte(tc.was), []byte(tc.is), alike)
		if err != nil || strings.Join(got, ", ") != tc.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, tc.want)
		}
	}
}

// The error quotes nothing.
func TestDiffOfNoJSON(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{`{"secret`, `{}`}, {`{}`, `secret`}} {
		got, err := replay.Diff([]byte(pair[0]), []byte(pair[1]), nil)
		if err == nil || slices.Contains(got, "secret") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %q, %v", pair, got, err)
		}
	}
}
