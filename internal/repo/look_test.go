package repo_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// docs/look.md names every template that can be replaced, and every field that they use.
func TestLookNamesTemplates(t *testing.T) {
	inRoot(t)
	t.Parallel()
	page := read(t, "docs/look.md")
	field := regexp.MustCompile(`[^\w)]\.([A-Z]\w*)`)
	parts := []string{"Before", "After", "Code"} // of a sentence, and of a problem
	for _, folder := range []string{"web/pages", "mail/templates"} {
		err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("docs/look.md lacks %s of %s", name, folder)
			}
			for _, m := range field.FindAllStringSubmatch(read(t, path.Join(folder, name)), -1) {
				if strings.Contains(strings.Join(parts, " "), m[1]) {
					continue
				}
				if !strings.Contains(page, "`"+m[1]+"`") {
					t.Errorf("docs/look.md lacks the field %s of %s", m[1], name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
