package backend

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// document is the part of openapi.yaml that the tests read.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		RequestBody struct {
			Content map[string]struct{ Schema reference }
		} `yaml:"requestBody"`
	}
	Components struct {
		Schemas map[string]struct {
			Enum       []string
			Properties map[string]any
		}
	}
}

type reference struct {
	Ref string `yaml:"$ref"`
}

func read(t *testing.T) (doc document, page string) {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	markdown, err := os.ReadFile("../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	return doc, string(markdown)
}

// Every code is documented, and every documented code exists.
func TestDocumentHasAllCodes(t *testing.T) {
	t.Parallel()
	doc, page := read(t)
	var want []string
	for _, p := range problems {
		want = append(want, p.Code)
		if !strings.Contains(page, "`"+p.Code+"`") {
			t.Errorf("docs/backends.md lacks the code %s", p.Code)
		}
	}
	if diff := cmp.Diff(want, doc.Components.Schemas["Code"].Enum); diff != "" {
		t.Error(diff)
	}
}

// Every route is documented with its fields, and every documented route exists.
func TestDocumentHasAllRoutes(t *testing.T) {
	t.Parallel()
	doc, page := read(t)
	got, want := map[string][]string{}, map[string][]string{}
	for path, methods := range doc.Paths {
		if keys := slices.Collect(maps.Keys(methods)); !slices.Equal(keys, []string{"post"}) {
			t.Errorf("%s has %v", path, keys)
		}
		schema := strings.TrimPrefix(methods["post"].RequestBody.Content["application/json"].Schema.Ref, "#/components/schemas/")
		got[path] = slices.Sorted(maps.Keys(doc.Components.Schemas[schema].Properties))
	}
	for path, r := range routes {
		want[path] = slices.Sorted(slices.Values(r.fields))
		if !strings.Contains(page, "\n| `"+path+"` | ") {
			t.Errorf("docs/backends.md lacks the route %s", path)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s: %s", doc.OpenAPI, diff)
	}
	for _, path := range regexp.MustCompile(`/v1/[a-z/-]+`).FindAllString(page, -1) {
		if _, ok := routes[path]; !ok {
			t.Errorf("docs/backends.md names the route %s", path)
		}
	}
}
