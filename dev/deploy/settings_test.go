package deploy

import (
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

var variable = regexp.MustCompile(`(--(?:\[no-\])?[a-z-]+)(?:=\S+)? [^$]*\(\$(REKEY_[A-Z_]+)\)`)

// settings are the variables of a command, as its help has them, and whether it needs them.
func settings(t *testing.T, command ...string) map[string]bool {
	t.Helper()
	helped.Lock()
	defer helped.Unlock()
	name := strings.Join(command, " ")
	if helped.by == nil {
		helped.by = map[string]map[string]bool{}
	}
	if helped.by[name] == nil {
		helped.by[name] = help(t, command)
	}
	return helped.by[name]
}

// helped is the output of help, which many tests need.
var helped struct {
	sync.Mutex

	by map[string]map[string]bool
}

func help(t *testing.T, command []string) map[string]bool {
	t.Helper()
	build := plain
	if command[0] == "one" {
		build = onePlain
	}
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), file, append(command, "--help")...).Output()
	if err != nil {
		t.Fatalf("rekey %s --help: %v", strings.Join(command, " "), err)
	}
	usage, rest, _ := strings.Cut(string(out), "\n")
	found := map[string]bool{}
	for _, m := range variable.FindAllStringSubmatch(strings.Join(strings.Fields(rest), " "), -1) {
		found[m[2]] = strings.Contains(usage, m[1]+"=")
	}
	return found
}

// misfits are the variables that a command line of rekey is given and does not know, or needs
// and is not given.
func misfits(t *testing.T, args []string, env map[string]string) []string {
	t.Helper()
	command := args[:1]
	if args[0] == "keys" {
		command = args[:2]
	}
	var found []string
	known := settings(t, command...)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if _, ok := known[name]; !ok && strings.HasPrefix(name, "REKEY_") {
			found = append(found, fmt.Sprintf("rekey %s does not know %s", args[0], name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if known[name] && env[name] == "" {
			found = append(found, fmt.Sprintf("rekey %s needs %s", args[0], name))
		}
	}
	return found
}

// composeMisfits are the misfits of all services of rekey.
func composeMisfits(t *testing.T, pairs ...string) []string {
	t.Helper()
	var found []string
	ours := 0
	for _, s := range compose(t, pairs...).Services {
		if s.Build == nil {
			continue
		}
		ours++
		env := map[string]string{}
		for name, value := range s.Environment {
			if value != nil {
				env[name] = *value
			}
		}
		if s.Name == "operator" { // its command is the operator's
			for name := range env {
				_, audit := settings(t, "audit")[name]
				_, cancel := settings(t, "cancel")[name]
				if strings.HasPrefix(name, "REKEY_") && !audit && !cancel {
					found = append(found, "no command of an operator knows "+name)
				}
			}
			continue
		}
		found = append(found, misfits(t, s.Command, env)...)
	}
	if ours != 7 {
		t.Errorf("%d services are ours", ours)
	}
	return found
}

func TestComposeSetsWhatTheProgramKnows(t *testing.T) {
	t.Parallel()
	for _, misfit := range composeMisfits(t) {
		t.Error(misfit)
	}
	for _, broken := range []struct{ old, new, want string }{
		{"      REKEY_FROM:", "      REKEY_SENDER:", "rekey worker does not know REKEY_SENDER"},
		{"      REKEY_FROM:", "      REKEY_SENDER:", "rekey worker needs REKEY_FROM"},
		{"      REKEY_OPERATOR:", "      REKEY_OPERATED:", "no command of an operator knows REKEY_OPERATED"},
		{"REKEY_UI_ORIGIN:", "REKEY_UI:", "rekey codec needs REKEY_UI_ORIGIN"},
		{"    environment: *store", "    environment: *temporal", "rekey migrate needs REKEY_STORE"},
	} {
		if found := composeMisfits(t, broken.old, broken.new); !slices.Contains(found, broken.want) {
			t.Errorf("%q for %q: found %q, want %q", broken.new, broken.old, found, broken.want)
		}
	}
}
