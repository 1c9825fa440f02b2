package repo_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/rekeyhq/rekey/"

// watch walks the source. The go command keeps a passed test until a file changes that the test
// itself has read. It does not see the files that child processes read.
func watch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// linked has all that each package of this module links, by its name.
var linked = sync.OnceValues(func() (map[string][]string, error) {
	const line = `{{.ImportPath}} {{join .Deps " "}}`
	out, err := exec.Command("go", "list", "-f", line, "./...").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	all := map[string][]string{}
	for l := range strings.Lines(string(out)) {
		words := strings.Fields(l)
		all[strings.TrimPrefix(words[0], module)] = words[1:]
	}
	return all, nil
})

// deps are all that a package of this module links, itself left out.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	watch(t)
	all, err := linked()
	if err != nil {
		t.Fatal(err)
	}
	if all[pkg] == nil {
		t.Fatalf("there is no package %s", pkg)
	}
	return all[pkg]
}

// packages are all of this module.
func packages(t *testing.T) []string {
	t.Helper()
	watch(t)
	all, err := linked()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(all))
}

// ours are the dependencies that this module holds.
func ours(deps []string) []string {
	var names []string
	for _, d := range deps {
		if name, ok := strings.CutPrefix(d, module); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A backend with pages of its own links neither those of rekey nor their libraries.
func TestClientLinksNoSite(t *testing.T) {
	inRoot(t)
	t.Parallel()
	for _, file := range parsed(t) {
		if filepath.Dir(file.path) != "starter" || strings.HasSuffix(file.path, "_test.go") {
			continue
		}
		for _, i := range file.Imports { // Temporal's SDK links templates
			if slices.Contains([]string{strconv.Quote(module + "web"), `"html/template"`, `"net/http"`}, i.Path.Value) {
				t.Errorf("%s imports %s", file.path, i.Path.Value)
			}
		}
	}
}

// security 2: the process that answers a request holds nothing that knows accounts (the account
// store, the mail server).
func TestStarterLinksNoStoreAndNoMail(t *testing.T) {
	inRoot(t)
	t.Parallel()
	forbidden := []string{
		"go.etcd.io/bbolt", "github.com/jackc/pgx", "github.com/go-sql-driver/mysql", "github.com/pressly/goose", "net/smtp", "github.com/wneessen/go-mail",
		module + "account/bolt", module + "account/hosturl", module + "account/mysql", module + "account/postgres", module + "mail",
		module + "activities", module + "worker", module + "cmd",
	}
	for _, pkg := range []string{"web", "backend"} { // and starter, which they import
		for _, d := range deps(t, pkg) {
			for _, f := range forbidden {
				if d == f || strings.HasPrefix(d, f+"/") {
					t.Errorf("%s links %s", pkg, d)
				}
			}
		}
	}
}

// Hosts choose how to measure: of OpenTelemetry their programs get the API, and neither the SDK
// nor an exporter.
func TestPackagesMeasureThroughInterfaces(t *testing.T) {
	inRoot(t)
	t.Parallel()
	for _, pkg := range []string{"backend", "web", "worker"} {
		for _, d := range deps(t, pkg) {
			for _, heavy := range []string{"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "github.com/prometheus/", "go.temporal.io/sdk/contrib/opentelemetry"} {
				if strings.HasPrefix(d, heavy) {
					t.Errorf("%s links %s", pkg, d)
				}
			}
		}
	}
}

// Imports follow the flow of a reset and never go back. A package that is not named here
// fails the test, so that a new one is given its place.
func TestImportsGoOneWay(t *testing.T) {
	inRoot(t)
	t.Parallel()
	allowed := map[string][]string{
		"statemachine":                  nil,
		"link":                          {"account", "internal/loopback"},
		"keys":                          {"internal/secretfile"},
		"password":                      {"internal/argon2"},
		"password/breached":             {"internal/argon2", "internal/loopback", "password"},
		"mail":                          {"brand", "internal/loopback", "internal/override", "internal/webhook", "messages"},
		"messages":                      nil,
		"brand":                         nil,
		"internal/override":             nil,
		"account":                       nil,
		"account/bolt":                  {"account", "internal/failpoint"},
		"account/hosturl":               {"account", "internal/argon2", "internal/loopback", "internal/webhook", "password"},
		"account/mysql":                 {"account", "internal/loopback"},
		"account/postgres":              {"account", "internal/failpoint", "internal/loopback"},
		"activities":                    {"account", "brand", "flow", "internal/argon2", "internal/loopback", "internal/override", "internal/secretfile", "internal/span", "internal/webhook", "keys", "link", "mail", "messages", "password", "statemachine", "workflow"},
		"backend":                       {"account", "flow", "internal/argon2", "internal/bearer", "internal/belong", "internal/body", "internal/failpoint", "internal/loopback", "internal/secretfile", "keys", "link", "operator", "password", "starter", "statemachine", "workflow"},
		"codecserver":                   {"internal/bearer", "internal/loopback", "internal/secretfile", "keys"},
		"flow":                          {"statemachine"},
		"operator":                      {"account", "flow", "internal/argon2", "internal/belong", "internal/failpoint", "internal/loopback", "internal/secretfile", "keys", "link", "password", "starter", "statemachine", "workflow"},
		"starter":                       {"account", "flow", "internal/argon2", "internal/belong", "internal/failpoint", "internal/loopback", "internal/secretfile", "keys", "link", "password", "statemachine", "workflow"},
		"web":                           {"account", "brand", "flow", "internal/argon2", "internal/belong", "internal/body", "internal/failpoint", "internal/loopback", "internal/override", "internal/secretfile", "internal/span", "keys", "link", "messages", "password", "starter", "statemachine", "workflow"},
		"worker":                        {"account", "activities", "brand", "flow", "internal/argon2", "internal/belong", "internal/loopback", "internal/override", "internal/secretfile", "internal/span", "internal/webhook", "keys", "link", "mail", "messages", "password", "statemachine", "workflow"},
		"workflow":                      {"flow", "statemachine"},
		"workflow/mutants":              nil,
		"replay":                        nil,
		"account/storetest":             {"account", "account/bolt", "internal/failpoint"},
		"internal/argon2":               nil,
		"internal/backup":               nil,
		"internal/bearer":               nil,
		"internal/belong":               {"flow", "internal/secretfile", "keys", "statemachine"},
		"internal/body":                 nil,
		"internal/failpoint":            nil,
		"internal/loopback":             nil,
		"internal/notify":               nil,
		"internal/ops":                  nil,
		"internal/secretfile":           nil,
		"internal/signals":              nil,
		"internal/span":                 nil,
		"internal/telemetry":            {"internal/span"},
		"internal/usage":                nil,
		"internal/webhook":              {"internal/loopback"},
		"internal/repo":                 nil,
		"internal/testkit/authority":    nil,
		"internal/testkit/cost":         nil,
		"internal/testkit/fakedns":      nil,
		"internal/testkit/golden":       nil,
		"internal/testkit/hostapp":      {"account", "account/bolt", "account/storetest", "internal/failpoint"},
		"internal/testkit/mariadbtest":  {"internal/testkit/suite"},
		"internal/testkit/overlay":      nil,
		"internal/testkit/postgrestest": {"internal/testkit/suite"},
		"internal/testkit/report":       nil,
		"internal/testkit/suite":        nil,
		"internal/cli": {
			"account", "account/bolt", "account/hosturl", "account/mysql", "account/postgres", "activities", "backend", "brand", "codecserver", "flow", "internal/argon2", "internal/backup", "internal/bearer", "internal/belong", "internal/body", "internal/failpoint", "internal/loopback",
			"internal/notify", "internal/ops", "internal/override", "internal/secretfile", "internal/signals", "internal/span", "internal/telemetry", "internal/usage", "internal/webhook", "keys", "link", "mail", "messages", "operator",
			"password", "password/breached", "replay", "starter", "statemachine", "web", "worker", "workflow",
		},
		"cmd/rekey": {
			"account", "account/bolt", "account/hosturl", "account/mysql", "account/postgres", "activities", "backend", "brand", "codecserver", "flow", "internal/argon2", "internal/backup", "internal/bearer", "internal/belong", "internal/body", "internal/cli", "internal/failpoint", "internal/loopback",
			"internal/notify", "internal/ops", "internal/override", "internal/secretfile", "internal/signals", "internal/span", "internal/telemetry", "internal/usage", "internal/webhook", "keys", "link", "mail", "messages", "operator",
			"password", "password/breached", "replay", "starter", "statemachine", "web", "worker", "workflow",
		},
	}
	for _, pkg := range packages(t) {
		want, ok := allowed[pkg]
		if !ok {
			t.Errorf("%s is not in the table of this test", pkg)
			continue
		}
		if diff := cmp.Diff(want, ours(deps(t, pkg))); diff != "" {
			t.Errorf("%s imports (-allowed +found):\n%s", pkg, diff)
		}
	}
}

// The embedded Temporal server stays in the module one/, and parts for development in dev/. An
// importer of rekey gets none of them.
func TestModuleIsLean(t *testing.T) {
	inRoot(t)
	t.Parallel()
	out, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, heavy := range []string{"go.temporal.io/server ", "github.com/temporalio/ui-server", "github.com/chromedp/"} {
		if strings.Contains(string(out), heavy) {
			t.Errorf("go.mod requires %s", heavy)
		}
	}
}
