// Package overlay lets a test build a program that differs from the source by a few
// nodes, with the go command's flag -overlay. The source itself stays as it is.
package overlay

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Write writes the changed files to a folder, together with the file for -overlay, whose path
// it returns. A change whose place is gone, or that is no Go, is an error. No test goes on with
// a change that a new version of the source has made void.
func Write(folder string, changes ...Change) (string, error) {
	packages := map[string]map[string]string{} // by folder, then by file
	changed := map[string]string{}
	for _, c := range changes {
		if packages[c.Package] == nil {
			files, err := read(c.Package)
			if err != nil {
				return "", err
			}
			packages[c.Package] = files
		}
		path, err := c.Apply(packages[c.Package])
		if err != nil {
			return "", err
		}
		changed[path] = packages[c.Package][path]
	}
	replace := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(changed)) {
		replace[path] = filepath.Join(folder, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(replace[path], []byte(changed[path]), 0o600); err != nil {
			return "", err
		}
	}
	return list(folder, replace)
}

// read returns the texts of a package, without its tests, by absolute path.
func read(folder string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		files[path] = string(text)
	}
	return files, nil
}

func list(folder string, replace map[string]string) (string, error) {
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}
