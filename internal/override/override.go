// Package override reads built-in templates, some of which an operator's files replace.
package override

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Files are the texts of the built-in templates below a folder by their path in it, each replaced by
// the file of the same path below dir; dir "" replaces none. A file that replaces none is a
// misspelled one, unless it is hidden: Kubernetes mounts those.
func Files(builtIn fs.FS, folder, dir string) (map[string]string, error) {
	own, err := fs.Sub(builtIn, folder)
	if err != nil {
		return nil, err
	}
	files, err := read(own)
	if err != nil || dir == "" {
		return files, err
	}
	theirs, err := read(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	for name, text := range theirs {
		if _, ok := files[name]; !ok {
			return nil, fmt.Errorf("%s replaces no template", name)
		}
		files[name] = text
	}
	return files, nil
}

func read(folder fs.FS) (map[string]string, error) {
	files := map[string]string{}
	return files, fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(path.Base(name), ".") && name != "."
		switch {
		case err != nil:
			return err
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || entry.IsDir():
			return nil
		}
		text, err := fs.ReadFile(folder, name)
		files[name] = string(text)
		return err
	})
}
