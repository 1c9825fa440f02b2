package flowfuse

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// recipe is docs/hosts/flowfuse.md. The test runs its blocks, so that the page cannot say
// anything else.
type recipe struct {
	text string
	here *strings.Replacer // puts the servers of the test in the place of those of the page
}

func readRecipe(t *testing.T) *recipe {
	t.Helper()
	text, err := os.ReadFile("../../docs/hosts/flowfuse.md")
	if err != nil {
		t.Fatal(err)
	}
	return &recipe{text: string(text), here: strings.NewReplacer()}
}

// block is the only code block in a language that holds a text.
func (r *recipe) block(t *testing.T, language, has string) string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(r.text, -1) {
		if strings.Contains(m[1], has) {
			found = append(found, m[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("the page has %d blocks of %s with %q, want one", len(found), language, has)
	}
	return r.here.Replace(found[0])
}

// commands are the arguments of the commands of rekey in a block of shell.
func (r *recipe) commands(t *testing.T, has string) (all [][]string) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(r.block(t, "sh", has), "\\\n", "")) {
		if args, ok := strings.CutPrefix(line, "rekey "); ok {
			all = append(all, strings.Fields(args))
		}
	}
	return all
}

// routes are the paths that a location with this text sends to rekey.
func (r *recipe) routes(t *testing.T, has string) *regexp.Regexp {
	t.Helper()
	m := regexp.MustCompile(`(?m)^location ~ (\S+) \{$`).FindStringSubmatch(r.block(t, "nginx", has))
	if m == nil {
		t.Fatal("the location has no pattern")
	}
	return regexp.MustCompile(m[1])
}
