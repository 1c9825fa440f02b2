package operators

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
)

// section is a part of the runbook that has commands, with a place that they can be typed
// in.
type section struct {
	*room
	dir  string // where they are typed
	env  []string
	here *strings.Replacer // puts the servers of the test in the place of those of the page
	// after acts after the commands, with the text of the section.
	after func(*testing.T, string)
}

// sections are the headings above the commands that are run here.
var sections = map[string]func(*section, *testing.T){
	"Install":                       (*section).install,
	"Invitations and forced resets": (*section).everyday,

	"Everyday":     (*section).everyday,
	"Key rotation": (*section).rotation,
	"Mail outage":  (*section).everyday,
}

var command = regexp.MustCompile("(?ms)(<!-- not run: [^>]+ -->\n)?^```sh\n(.*?)^```$")

// The commands of docs/operations work as the pages say, in their order. A command that is not
// run has a reason.
func TestRunbook(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, part := range strings.Split(runbook(t), "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		var blocks []string
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			if m[1] == "" {
				blocks = append(blocks, m[2])
			}
		}
		if len(blocks) == 0 {
			continue
		}
		prepare, ok := sections[name]
		if !ok {
			t.Errorf("nobody runs the commands of %q: add the section to this test, or say why above them: <!-- not run: ... -->", name)
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &section{room: newRoom(t), dir: t.TempDir(), here: strings.NewReplacer(), after: func(*testing.T, string) {}}
			prepare(s, t)
			for _, block := range blocks {
				s.typed(t, block)
			}
			s.after(t, text)
		})
	}
	if ran != len(sections) {
		t.Errorf("ran %d sections, there are %d here", ran, len(sections))
	}
}

// runbook is all pages of docs/operations.
func runbook(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "operations", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pages {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(page)
	}
	return text.String()
}

// typed runs a block as a shell does, until a command fails.
func (s *section) typed(t *testing.T, block string) {
	t.Helper()
	p := s.shell(t, block)
	if code := p.Exit(t); code != 0 {
		t.Fatalf("exit code %d of\n%s%s%s", code, block, p.Out, p.Err)
	}
	if m := keyID.FindStringSubmatch(p.Out.String()); m != nil && strings.Contains(block, " add ") {
		s.env = append(s.env, "new="+m[1])
	}
	if strings.Contains(block, " promote ") {
		nineDaysAgo(t, filepath.Join(s.dir, "keys", "payload.json"))
	}
}

// shell begins a block.
func (s *section) shell(t *testing.T, block string) *process.Process {
	t.Helper()
	return s.Shell(t, s.dir, s.here.Replace(block), s.env...)
}

// nineDaysAgo replaces the operator's wait of the page.
func nineDaysAgo(t *testing.T, path string) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"created": "2025-01-02T03:04:05Z", "promoted": "2025-02-02T03:04:05Z"} {
		file = regexp.MustCompile(`"`+name+`": "[^"]+"`).ReplaceAll(file, []byte(`"`+name+`": "`+at+`"`))
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// everyday has processes that run and a reset that is over.
func (s *section) everyday(t *testing.T) {
	t.Helper()
	if err := os.Symlink(s.keys, filepath.Join(s.dir, "operator")); err != nil {
		t.Fatal(err)
	}
	s.Worker(t)
	s.Starter(t)
	s.open(t, s.People[0])
	s.operate(t, 0, "cancel", s.People[0].Address)
	s.findUntil(t, s.People[0].Address, "the run ends", func(f found) bool { return !f.Open })
}

// rotation has keysets.
func (s *section) rotation(t *testing.T) {
	t.Helper()
	if err := os.Symlink(s.Keys(), filepath.Join(s.dir, "keys")); err != nil {
		t.Fatal(err)
	}
	list := s.operate(t, 0, "keys", "list", s.Keys()).Out.String()
	s.env = []string{"old=" + regexp.MustCompile(`(?m)^payload +(\d+) +true`).FindStringSubmatch(list)[1]}
}
