package site

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
)

// One makes a site of one machine, where `rekey one` runs everything in the folder of the site.
// Nothing runs yet.
func One(t *testing.T) *Site {
	t.Helper()
	s := At(t, FreeAddr(t), mails(t))
	if err := os.Chmod(s.Dir, 0o700); err != nil { //nolint:gosec // a folder
		t.Fatal(err)
	}
	s.Env = slices.DeleteFunc(s.Env, func(v string) bool { return strings.HasPrefix(v, "TEMPORAL_ADDRESS=") })
	s.Env = append(
		s.Env, "REKEY_DATA="+s.Dir, "REKEY_TEMPORAL_LISTEN="+s.TemporalAddr, "REKEY_UI_LISTEN="+FreeAddr(t),
		"TEMPORAL_CONFIG_FILE="+filepath.Join(s.Dir, "temporal.toml"),
	)
	path, err := one()
	if err != nil {
		t.Fatal(err)
	}
	s.Path = path
	s.settle(t)
	return s
}

// StartOne starts `rekey one` and returns when it says that all is ready.
func (s *Site) StartOne(t *testing.T, more ...string) *process.Process {
	t.Helper()
	p := s.Start(t, more, "one")
	p.Await(t, p.Err, `"rekey one is ready"`)
	return p
}

// Setting is the last value of a variable among the settings.
func (s *Site) Setting(name string) (value string) {
	for _, v := range s.Env {
		if text, ok := strings.CutPrefix(v, name+"="); ok {
			value = text
		}
	}
	return value
}
