package deploy

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// judgeSBOM holds a document to the schema of CycloneDX, which the module of its library brings.
func judgeSBOM(t *testing.T, text string) error {
	t.Helper()
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(strings.NewReader(text), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return err
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://cyclonedx.org/schema/" // where the schemas say that they are; nothing is fetched there
	compiler := jsonschema.NewCompiler()
	main := fmt.Sprintf("bom-%s.schema.json", bom.SpecVersion)
	for file, name := range map[string]string{main: main, "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schemax.json": "jsf-0.82.schema.json"} {
		if err := compiler.AddResource(base+name, schemaDocument(t, filepath.Join(strings.TrimSpace(string(out)), "schema", file))); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile(base + main)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(document)
}

func schemaDocument(t *testing.T, path string) any {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// The schema finds the faults of an SBOM.
func TestSBOMIsJudged(t *testing.T) {
	t.Parallel()
	const good = `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"library","name":"a","licenses":[{"license":{"id":"MIT"}}]}]}`
	if err := judgeSBOM(t, good); err != nil {
		t.Error(err)
	}
	for _, pair := range [][2]string{{`"type":"library"`, `"type":"lib"`}, {`"name":"a",`, ""}, {`"id":"MIT"`, `"id":"My licence"`}, {`"version":1`, `"version":0`}} {
		if judgeSBOM(t, strings.Replace(good, pair[0], pair[1], 1)) == nil {
			t.Errorf("%s is taken for %s", pair[1], pair[0])
		}
	}
}
