package usage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/usage"
)

const asProgram = "REKEY_USAGE_TEST_AS_PROGRAM"

type cli struct {
	Wait  time.Duration  `default:"30m" env:"REKEY_USAGE_TEST_WAIT" help:"How long."`
	Times int            `default:"0" help:"How often."`
	From  []netip.Prefix `help:"From where."`
	Fail  bool           `help:"Do not do it."`
	What  string         `arg:"" optional:"" help:"What to do."`
}

// TestMain makes the test binary a program.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	var c cli
	usage.Parse(&c, "program", "A program.")
	if c.Fail {
		usage.Exit("program", errors.New("it cannot be done"))
	}
	fmt.Print("done")
	usage.Exit("program", nil)
}

// Every program exits with status 2 for a wrong command line, with 1 for failed work.
func TestProgram(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args   string
		status int
		says   string
	}{
		{"", 0, "done"},
		{"--wait=1m it", 0, "done"},
		{"--help", 0, "Usage: program"},
		{"help", 0, "Usage: program"},
		{"--fail", usage.Failed, "program: it cannot be done\n"},
		{"--wait=30", usage.Wrong, "program: --wait ($REKEY_USAGE_TEST_WAIT): want a time with its unit, such as 30m, not \"30\"; see `program --help`\n"},
		{"--times=often", usage.Wrong, "program: --times: want a whole number, such as 10, not \"often\"; see `program --help`\n"},
		{"--from=here", usage.Wrong, "program: --from: want networks, such as 10.0.0.0/8,192.168.0.0/16, not \"here\"; see `program --help`\n"},
		{"--fail=perhaps", usage.Wrong, "program: --fail: want true or false, not \"perhaps\"; see `program --help`\n"},
		{"--fial", usage.Wrong, "unknown flag --fial, did you mean \"--fail\"?"},
		{"it too", usage.Wrong, "program: unexpected argument too; see `program --help`\n"},
	} {
		run := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(tc.args)...)
		run.Env = append(os.Environ(), asProgram+"=1")
		out, _ := run.CombinedOutput() // its status is looked at below
		if status := run.ProcessState.ExitCode(); status != tc.status || !strings.Contains(string(out), tc.says) {
			t.Errorf("program %s: status %d, want %d; %s", tc.args, status, tc.status, out)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	wrong := usage.Mark(errors.New("want another"))
	for want, err := range map[int]error{0: nil, usage.Failed: errors.New("away"), usage.Wrong: fmt.Errorf("start: %w", wrong)} {
		if got := usage.Status(err); got != want {
			t.Errorf("%v: status %d, want %d", err, got, want)
		}
	}
	if usage.Mark(nil) != nil {
		t.Error("nothing is marked")
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for address, okay := range map[string]bool{
		"127.0.0.1:8080": true, ":8080": true, "[::1]:0": true, "localhost:65535": true,
		"": false, "8080": false, "127.0.0.1": false, "127.0.0.1:65536": false, "127.0.0.1:-1": false, ":http": false, "http://127.0.0.1:80": false, "::1:80": false,
	} {
		if err := usage.Address(address); (err == nil) != okay {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// No program parses its command line in another way, which would have another exit status.
func TestEveryProgramParsesAlike(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		seen++
		source, err := os.ReadFile(path)
		if strings.Contains(string(source), "kong.Parse"+"(") || strings.Contains(string(source), "flag.Parse"+"(") {
			t.Errorf("%s does not use internal/usage", path)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files, %v", seen, err)
	}
}
