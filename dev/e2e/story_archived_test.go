package e2e

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/keys"
)

// saved reads the runs of the newest release, as a reader of the checked-in files does.
func saved(t *testing.T) map[string]*recordedRun {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := install(filepath.Join(recorded, "keys"), dir); err != nil {
		t.Fatal(err)
	}
	codec, err := keys.Open(dir, keys.AllowDev).Payload()
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]*recordedRun{}
	for _, r := range allRuns() {
		f, err := os.Open(filepath.Join(recorded, "histories", "v0.2.0", r.name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the story is newer; package workflow checks that no run is missing
		}
		if err != nil {
			t.Fatal(err)
		}
		h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if runs[r.name], err = readRun(h, codec); err != nil {
			t.Fatal(err)
		}
	}
	return runs
}

// A story that became another one is noticed: the rules of each fit its run and no other.
func TestRulesTellRunsApart(t *testing.T) {
	t.Parallel()
	runs := saved(t)
	if err := apart(runs); err != nil {
		t.Error(err)
	}
	runs["refused"], runs["expired"] = runs["expired"], runs["refused"]
	if err := apart(runs); !errors.Is(err, errOtherStory) {
		t.Errorf("two runs that were taken for each other: %v", err)
	}
}

func TestRecordedReleaseStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		archive
		want error
	}{
		"a release that is there": {archive{filepath.Join(recorded, "histories"), "v0.1.0"}, errRecorded},
		"no version":              {archive{filepath.Join(recorded, "histories"), "next"}, errRelease},
		"a path":                  {archive{filepath.Join(recorded, "histories"), "v0.1.0/../v0.9.0"}, errRelease},
		"another working folder":  {archive{filepath.Join(recorded, "nowhere"), "v0.9.0"}, os.ErrNotExist},
		"the next release":        {archive{filepath.Join(recorded, "histories"), "v0.9.0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.admits(); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// Recorded runs are written once, with their hashes; older lines stay.
func TestRunsAreWrittenWithTheirHashes(t *testing.T) {
	t.Parallel()
	a := archive{t.TempDir(), "v0.2.0"}
	const older = "0000  v0.1.0/happy.json\n"
	if err := os.WriteFile(filepath.Join(a.histories, sums), []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &historypb.History{Events: []*historypb.HistoryEvent{{EventId: 1}}}
	if err := a.add(map[string]*historypb.History{"happy": h}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(a.folder(), "happy.json"))
	lines, sumsErr := os.ReadFile(filepath.Join(a.histories, sums))
	if want := older + fmt.Sprintf("%x  v0.2.0/happy.json\n", sha256.Sum256(text)); err != nil || sumsErr != nil || string(lines) != want {
		t.Errorf("got %q, want %q (%v, %v)", lines, want, err, sumsErr)
	}
	if err := a.add(map[string]*historypb.History{"happy": h}); !errors.Is(err, os.ErrExist) {
		t.Errorf("once more: %v", err)
	}
}

func TestMachineIsNotNamed(t *testing.T) {
	t.Parallel()
	names, err := privateNames()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := tellsNothing(map[string][]byte{"happy.json": []byte("x " + name + " y")}); !errors.Is(err, errTells) {
			t.Errorf("%q is not noticed: %v", name, err)
		}
	}
	if err := tellsNothing(map[string][]byte{"happy.json": []byte(`"identity": "rekey-record"`)}); err != nil {
		t.Error(err)
	}
}

// A name is hidden once, however often a call is tried.
func TestHostIsHidden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"machine:e0988e40", "sticky:e0988e40"} {
		if got := withoutHost(name); got != "sticky:e0988e40" {
			t.Errorf("%s becomes %s", name, got)
		}
	}
}
