package bolt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
)

// A file that a release wrote is read by the next. When this fails, either undo the
// change or raise the schema version and convert old files; then:
// go test ./account/bolt -run TestFormatIsFrozen -update
func TestFormatIsFrozen(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	each(t, lived(t), func(bucket string, k, v []byte) { fmt.Fprintf(&got, "%s %q %s\n", bucket, k, v) })
	golden.Check(t, "tree.golden", got.String())
}

// drawn returns the tree of the package comment: bucket to key and value, such as
// "tokens" to "<SHA-256(SHA-256(token))>" and "account.TokenRecord as JSON".
func drawn(t *testing.T) map[string][2]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "bolt.go", nil, parser.ParseComments)
	must(t, err)
	tree, bucket := map[string][2]string{}, ""
	for line := range strings.Lines(file.Doc.Text()) {
		key, value, entry := strings.Cut(line, "->")
		switch fields := strings.Fields(line); {
		case entry:
			tree[bucket] = [2]string{strings.TrimSpace(key), strings.TrimSpace(value)}
		case strings.HasPrefix(line, "\t") && len(fields) > 0:
			bucket = fields[0]
		}
	}
	return tree
}

// keys turns a key of the drawing into its pattern in the file of lived.
var keys = strings.NewReplacer(
	" NUL ", "\x00", "<account ID>", "(ann|bob)", "<address>", `(ann|bob)@example\.com`, "<mail>", "mail-(ann|bob)",
	"<key>", "([klm]{32}|s{32})", "<SHA-256(SHA-256(token))>", "[kl]{32}", "<SHA-256(session ID)>", "s{32}",
	"<submission ID>", "submission( begun)?", "<sequence, 8 bytes>", "\x00{7}.",
)

// isDrawn reports whether a value is as in the drawing.
func isDrawn(kind string, v []byte) bool {
	as := func(value any) bool {
		d := json.NewDecoder(bytes.NewReader(v))
		d.DisallowUnknownFields()
		return d.Decode(value) == nil
	}
	switch kind {
	case `"1"`, `""`:
		return kind == fmt.Sprintf("%q", v)
	case "time, RFC 3339":
		_, err := time.Parse(time.RFC3339, string(v))
		return err == nil
	case "account.Account as JSON":
		return as(new(account.Account))
	case "account.TokenRecord as JSON":
		return as(new(account.TokenRecord))
	case "account.Entry as JSON":
		return as(new(account.Entry))
	case "account.Begun as JSON":
		return as(new(account.Begun))
	case "applied as JSON":
		return as(new(applied))
	case "session as JSON":
		return as(new(session))
	}
	return false
}

// The drawing in the package comment is the file: every bucket is in it, with the
// keys and values that it has.
func TestTreeIsAsDrawn(t *testing.T) {
	t.Parallel()
	tree, seen := drawn(t), map[string]bool{}
	each(t, lived(t), func(bucket string, k, v []byte) {
		seen[bucket] = true
		key, value := tree[bucket][0], tree[bucket][1]
		if !regexp.MustCompile("(?s)^"+keys.Replace(key)+"$").Match(k) || !isDrawn(value, v) {
			t.Errorf("%s: %q -> %s is drawn as %s -> %s", bucket, k, v, key, value)
		}
	})
	var names []string
	for _, name := range append(buckets(), bucketOwed, bucketBegun) {
		names = append(names, string(name))
		if !seen[string(name)] {
			t.Errorf("%s: nothing is in it", name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(tree))); diff != "" {
		t.Errorf("the drawing's buckets: %s", diff)
	}
}
