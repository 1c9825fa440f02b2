// Package overlay lets a test build a program that differs from the source by a few
// lines, with the go command's flag -overlay. The source itself stays as it is.
package overlay

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Change is a text of a file and what is to be in its place.
type Change struct {
	File     string // path, as seen from the folder of the test
	Old, New string // Old is in the file exactly once
}

// Write writes the changed files to a folder, together with the file for -overlay, whose
// path it returns. A change that is not possible is an error, so that a test cannot go on
// with a change that a new version of the source has made void.
func Write(folder string, changes ...Change) (string, error) {
	changed := map[string]string{} // by absolute path of the source
	for _, c := range changes {
		path, err := filepath.Abs(c.File)
		if err != nil {
			return "", err
		}
		if changed[path], err = c.apply(changed[path], path); err != nil {
			return "", err
		}
	}
	replace := map[string]string{}
	for path, text := range changed {
		replace[path] = filepath.Join(folder, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return list(folder, replace)
}

// apply changes the text of a file, which is read when nothing has changed it yet.
func (c Change) apply(text, path string) (string, error) {
	if text == "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		text = string(b)
	}
	if n := strings.Count(text, c.Old); n != 1 {
		return "", fmt.Errorf("%s has this text %d times, want once:\n%s", c.File, n, c.Old)
	}
	return strings.Replace(text, c.Old, c.New, 1), nil
}

func list(folder string, replace map[string]string) (string, error) {
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}
