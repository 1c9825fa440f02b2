package web

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

// security 50: the listener of the pages has none of the routes for backends.
func TestBackendsAreElsewhere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../backend/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Paths) < 4 {
		t.Fatalf("%d routes, %v", len(doc.Paths), err)
	}
	for path := range doc.Paths {
		resets := &fakeResets{}
		w := exchange(newTestHandler(t, resets), "POST", path, `{"address":"ann@example.com"}`, asJSON, "Authorization: Bearer x")
		if w.Code != 404 || codeOf(t, w) != "not_found" || len(resets.calls) != 0 {
			t.Errorf("%s: %d %s, called %q", path, w.Code, w.Body, resets.calls)
		}
	}
}
