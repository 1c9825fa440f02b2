package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(roleEnv); ok {
		if err := play(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Every measurement runs, with few repetitions. Its figures are not judged, since they are the
// machine's; but each row is there, and each figure is one.
func TestEveryMeasurement(t *testing.T) {
	postgrestest.Require(t)
	dir := t.TempDir()
	picture := filepath.Join(dir, "resets.svg")
	c := cli{Scale: 0.01, JSON: true, Chart: picture, Profiles: dir, Parts: names()}
	var out, progress bytes.Buffer
	if err := c.run(t.Context(), &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	var tables []struct {
		Title string
		Rows  []map[string]any
	}
	if err := json.Unmarshal(out.Bytes(), &tables); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	want := map[string][2]int{ // rows, and columns
		"Measured on": {1, 3}, "Resets per second": {12, 9}, "Milliseconds from what is asked to what is got": {54, 7},
		"CPU milliseconds of one run": {18, 11}, "Most memory of a process": {2, 4}, "The edge": {2, 7}, "A link": {1, 3},
		"Hashing": {3, 8}, "Hashes": {1, 2}, "Histories replayed": {2, 3},
		"Durable writes to a bbolt file": {3, 5}, "Open runs": {3, 8}, "Aims": {27, 4},
	}
	for _, table := range tables {
		title, _, _ := strings.Cut(table.Title, ",")
		if got := [2]int{len(table.Rows), len(table.Rows[0])}; got != want[title] {
			t.Errorf("%s: %d rows and columns, want %d", title, got, want[title])
		}
		delete(want, title)
	}
	if len(want) > 0 {
		t.Errorf("no tables %v", want)
	}
	fast := func(title, column string) {
		for _, table := range tables {
			for _, row := range table.Rows {
				if n, _ := row[column].(float64); strings.HasPrefix(table.Title, title) && n <= 0 {
					t.Errorf("%s: %v", title, row)
				}
			}
		}
	}
	fast("Resets", "resets/s")
	fast("CPU", "Temporal")
	fast("Most memory", "worker")
	fast("The edge", "ratio")
	fast("Hashing", "submissions/s")
	fast("Histories", "a second")
	fast("Durable", "ChangePassword")
	fast("Open", "submit p50 ms")
	if svg, err := os.ReadFile(picture); err != nil || !bytes.Contains(svg, []byte("PostgreSQL, resets")) {
		t.Errorf("picture: %v, %d bytes", err, len(svg))
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "resets-SQLite-starter-*.pprof")); len(kept) == 0 {
		t.Error("no profile of a starter is kept")
	}
}

// A command line that is wrong says so before anything is measured.
func TestCheck(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]cli{
		`no part "reset"`: {Scale: 1, Parts: []string{"reset"}},
		"--scale":         {},
		"ends with .svg":  {Scale: 1, Chart: "resets.gif"},
		"part resets":     {Scale: 1, Chart: "resets.svg", Parts: []string{"edge"}},
	} {
		if err := c.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	c := cli{Scale: 1, Chart: "resets.svg"}
	if err := c.check(); err != nil || strings.Join(c.Parts, " ") != "resets edge hashing replay store" {
		t.Errorf("without parts: %v, %v", c.Parts, err)
	}
}
