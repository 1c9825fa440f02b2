package workflow_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sumsFile = "SHA256SUMS"

// compareSums compares the recorded runs with their hashes, which are written once, when a release
// is recorded. It returns a line for each difference.
func compareSums(histories string) (wrong []string, err error) {
	raw, err := os.ReadFile(filepath.Join(histories, sumsFile))
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if _, twice := sums[name]; !ok || twice {
			wrong = append(wrong, fmt.Sprintf("%s has the line %q", sumsFile, lines.Text()))
		}
		sums[name] = sum
	}
	err = fs.WalkDir(os.DirFS(histories), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == sumsFile {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(histories, filepath.FromSlash(name)))
		switch sum, ok := sums[name]; {
		case !ok:
			wrong = append(wrong, name+" has no hash")
		case sum != fmt.Sprintf("%x", sha256.Sum256(raw)):
			wrong = append(wrong, name+" has changed")
		}
		delete(sums, name)
		return err
	})
	for name := range sums {
		wrong = append(wrong, name+" is missing")
	}
	slices.Sort(wrong)
	return wrong, err
}

// A recorded run is the work of a release and never changes. If this fails, git checkout brings
// the runs back; a new release is recorded under its own name.
func TestRecordedRunsAreUntouched(t *testing.T) {
	t.Parallel()
	wrong, err := compareSums(histories)
	if len(wrong) > 0 || err != nil {
		t.Errorf("%s\n(%v)", strings.Join(wrong, "\n"), err)
	}
}

// Every story of every release is there, and no other. So a story that no longer replays cannot be
// removed.
func TestEveryStoryIsThere(t *testing.T) {
	t.Parallel()
	want, told := []string{"."}, []string{}
	for _, r := range releases() {
		told = append(told, r.stories...)
		want = append(want, r.version)
		for _, story := range told {
			want = append(want, r.version+"/"+story+".json")
		}
	}
	want = append(want, sumsFile)
	var got []string
	err := fs.WalkDir(os.DirFS(histories), ".", func(name string, _ fs.DirEntry, err error) error {
		got = append(got, name)
		return err
	})
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("testdata/histories (-want +got), releases() lists what is wanted:\n%s%v", diff, err)
	}
}

// Each way to alter a recorded run is noticed.
func TestTouchedRunsAreNoticed(t *testing.T) {
	t.Parallel()
	const run = "v0.1.0/happy.json"
	for name, c := range map[string]struct {
		touch func(dir, file string) error
		want  string
	}{
		"a changed byte": {func(_, file string) error {
			raw, err := os.ReadFile(file)
			raw[len(raw)/2] ^= 1
			return errors.Join(err, os.WriteFile(file, raw, 0o600))
		}, run + " has changed"},
		"a run that is gone": {func(_, file string) error { return os.Remove(file) }, run + " is missing"},
		"a run too many": {func(dir, _ string) error {
			return os.WriteFile(filepath.Join(dir, "v0.1.0", "more.json"), nil, 0o600)
		}, "v0.1.0/more.json has no hash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "histories")
			if err := os.CopyFS(dir, os.DirFS(histories)); err != nil {
				t.Fatal(err)
			}
			if err := c.touch(dir, filepath.Join(dir, filepath.FromSlash(run))); err != nil {
				t.Fatal(err)
			}
			got, err := compareSums(dir)
			if diff := cmp.Diff([]string{c.want}, got); diff != "" || err != nil {
				t.Errorf("(-want +got):\n%s%v", diff, err)
			}
		})
	}
}
