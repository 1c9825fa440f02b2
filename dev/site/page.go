package site

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Page is a page of the documentation. A test runs its blocks, so that the page cannot say
// anything else.
type Page struct {
	Here *strings.Replacer // puts the servers of the test in the place of those of the page

	text string
}

// ReadPage reads a page.
func ReadPage(t *testing.T, path string) *Page {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &Page{Here: strings.NewReplacer(), text: string(text)}
}

// Block is the only code block in a language that holds a text.
func (p *Page) Block(t *testing.T, language, has string) string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(p.text, -1) {
		if strings.Contains(m[1], has) {
			found = append(found, m[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("the page has %d blocks of %s with %q, want one", len(found), language, has)
	}
	return p.Here.Replace(found[0])
}

// Commands are the arguments of the commands of rekey in a block of shell that has no quotes but
// those around an argument.
func (p *Page) Commands(t *testing.T, has string) (all [][]string) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(p.Block(t, "sh", has), "\\\n", "")) {
		if args, ok := strings.CutPrefix(line, "rekey "); ok {
			all = append(all, strings.Fields(strings.ReplaceAll(args, "'", "")))
		}
	}
	return all
}
