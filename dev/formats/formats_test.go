// Package formats holds documents in formats of other people to libraries of those people.
package formats

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
)

const root = "../.."

// read is the text of a file.
func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// formats are documents in standard formats, each with a judge that is not rekey's. Compose,
// the manifests, the Helm chart and the SBOM have theirs in dev/deploy.
var formats = []struct {
	file  string
	judge func(text []byte) error
	// breaks are passages, each with a replacement that is wrong for the judge.
	breaks [][2]string
}{
	{"web/openapi.yaml", judgeOpenAPI, [][2]string{
		{`description: "Description of the error, in English."`, "description: Description of the error, in English."},
		{"const: error", "konst: error"},
		{`"#/components/schemas/Error"`, `"#/components/schemas/Errors"`},
		{"in: path", "in: paths"},
		{"type: boolean", "type: bool"},
	}},
	{"backend/openapi.yaml", judgeOpenAPI, [][2]string{
		{`"#/components/schemas/Error"`, `"#/components/schemas/Errors"`},
		{"type: mutualTLS", "type: mutualSSL"},
		{"scheme: bearer", "schema: bearer"},
		{"type: object", "type: objects"},
	}},
	{"account/hosturl/openapi.yaml", judgeOpenAPI, [][2]string{
		{`"#/components/schemas/ID"`, `"#/components/schemas/Id"`},
		{"in: header", "in: heading"},
		{"type: object", "type: objects"},
	}},
	{"deploy/grafana/rules.yaml", judgeRules, [][2]string{
		{"    interval: 30s", "    intervals: 30s"},
		{"sum(increase(", "sum(increase(("},
		{"for: 5m", "for: 5 m"},
		{"severity: critical", "severity: '{{ .Labels'"},
	}},
	{"deploy/grafana/dashboard.json", judgeDashboard, [][2]string{
		{`"title": "rekey"`, `"titel": "rekey"`},
		{`"gridPos"`, `"position"`},
		{`"from": "now-6h"`, `"from": 6`},
	}},
}

// security 45: documents for other programs can be read by them.
func TestFormats(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		text := read(t, f.file)
		if err := f.judge([]byte(text)); err != nil {
			t.Errorf("%s: %v", f.file, err)
		}
		for _, b := range f.breaks {
			if !strings.Contains(text, b[0]) {
				t.Errorf("%s has no %q", f.file, b[0])
			}
			if f.judge([]byte(strings.ReplaceAll(text, b[0], b[1]))) == nil {
				t.Errorf("%s: %q is taken for %q", f.file, b[1], b[0])
			}
		}
	}
}

// judgeOpenAPI follows every reference and holds each part of a document to the standard.
func judgeOpenAPI(text []byte) error {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return err
	}
	return doc.Validate(loader.Context, openapi3.EnableMultiError())
}

// judgeRules acts as Prometheus with a file of rules before it loads it.
func judgeRules(text []byte) error {
	_, errs := rulefmt.Parse(text, false, model.UTF8Validation)
	return errors.Join(errs...)
}

// judgeDashboard decodes a dashboard with the types that Grafana makes of its own schema, which
// return a list of faults also when it is empty.
func judgeDashboard(text []byte) error {
	plugins.RegisterDefaultPlugins()
	var d dashboard.Dashboard //nolint:staticcheck // the file has the first schema, which every Grafana imports
	err := d.UnmarshalJSONStrict(text)
	if faults, ok := errors.AsType[cog.BuildErrors](err); ok && len(faults) == 0 {
		return d.Validate()
	}
	return err
}
