package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

func TestCheckBaseURL(t *testing.T) {
	t.Parallel()
	for base, okay := range map[string]bool{
		"https://accounts.example.com":          true,
		"https://accounts.example.com/id":       true,
		"http://127.0.0.1:8080":                 true,
		"http://[::1]:8080":                     true,
		"http://localhost":                      true,
		"http://accounts.example.com":           false,
		"http://localhost.example.com":          false,
		"http://127.0.0.1.example.com":          false,
		"http://127.0.0.1@accounts.example.com": false,
		"http://0.0.0.0:8080":                   false,
		"accounts.example.com":                  false,
		"/account":                              false,
		"https://":                              false,
		"https://a b":                           false,
		"https://user@accounts.example.com":     false,
		"https://accounts.example.com?a=b":      false,
		"https://accounts.example.com/#a":       false,
		"https://:443":                          false,
		"ftp://localhost":                       false,
		"":                                      false,
	} {
		err := (&baseFlag{BaseURL: base}).check()
		if (err == nil) != okay {
			t.Errorf("%q = %v", base, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--base-url ($REKEY_BASE_URL)") {
			t.Errorf("%q = %v, want the flag and its variable", base, err)
		}
	}
}

// profiles is a configuration file of Temporal's own.
const profiles = `
[profile.default]
address = "localhost:7777"
namespace = "from-file"

[profile.cloud]
address = "cloud.example.com:7233"
namespace = "accounts"
api_key = "s3cret"

[profile.clear]
address = "temporal.example.com:7233"
`

func TestTemporalSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "temporal.toml")
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		env                map[string]string
		address, namespace string
		tls                bool
	}{
		"nothing":        {nil, "localhost:7233", "default", false},
		"variables":      {map[string]string{"TEMPORAL_ADDRESS": "127.0.0.1:7", "TEMPORAL_NAMESPACE": "n"}, "127.0.0.1:7", "n", false},
		"file":           {map[string]string{"TEMPORAL_CONFIG_FILE": file}, "localhost:7777", "from-file", false},
		"profile":        {map[string]string{"TEMPORAL_CONFIG_FILE": file, "TEMPORAL_PROFILE": "cloud"}, "cloud.example.com:7233", "accounts", true},
		"variable first": {map[string]string{"TEMPORAL_CONFIG_FILE": file, "TEMPORAL_NAMESPACE": "n"}, "localhost:7777", "n", false},
		"TLS":            {map[string]string{"TEMPORAL_ADDRESS": "temporal.example.com:7233", "TEMPORAL_TLS": "true"}, "temporal.example.com:7233", "default", true},
		"API key":        {map[string]string{"TEMPORAL_ADDRESS": "temporal.example.com:7233", "TEMPORAL_API_KEY": "s3cret"}, "temporal.example.com:7233", "default", true},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range tc.env {
				t.Setenv(k, v)
			}
			o, err := here(t).temporalOptions()
			if err != nil {
				t.Fatal(err)
			}
			if o.HostPort != tc.address || o.Namespace != tc.namespace || (o.ConnectionOptions.TLS != nil) != tc.tls {
				t.Errorf("address %s, namespace %s, TLS %t", o.HostPort, o.Namespace, o.ConnectionOptions.TLS != nil)
			}
		})
	}
}

// security 24: the file of Temporal's profiles is judged, with or without a variable for it, and
// the key that a profile names. A missing file is no fault, as with Temporal's own programs.
func TestFileOfProfilesIsJudged(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("TEMPORAL_CONFIG_FILE", "")
	folder := filepath.Join(home, "temporalio")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	key := secretFile(t, "key")
	mode(t, key, 0o644)
	const why, goesOn = "others may read or change the file", "not encrypted"
	t.Setenv("TEMPORAL_PROFILE", "clear")
	refused(t, []string{"setup"}, "unable to find profile clear")
	for name, path := range map[string]string{"Temporal's configuration file": filepath.Join(folder, "temporal.toml"), "TEMPORAL_CONFIG_FILE": filepath.Join(home, "other.toml")} {
		if err := os.WriteFile(path, []byte(profiles+"[profile.key.tls]\nclient_key_path = \""+key+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			if name == "TEMPORAL_CONFIG_FILE" {
				t.Setenv(name, path)
			}
			refused(t, []string{"setup"}, goesOn)
			mode(t, path, 0o644)
			refused(t, []string{"setup"}, name, why)
			mode(t, path, 0o600)
			t.Setenv("TEMPORAL_PROFILE", "key")
			refused(t, []string{"setup"}, key, why)
		})
	}
}

// security 41: the connection to a Temporal server elsewhere is encrypted.
func TestTemporalInClearIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "temporal.toml")
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string]map[string]string{
		"address":         {"TEMPORAL_ADDRESS": "temporal.example.com:7233"},
		"wildcard":        {"TEMPORAL_ADDRESS": "0.0.0.0:7233"},
		"resolver":        {"TEMPORAL_ADDRESS": "dns:///temporal.example.com:7233"},
		"like loopback":   {"TEMPORAL_ADDRESS": "127.0.0.1.example.com:7233"},
		"TLS off":         {"TEMPORAL_ADDRESS": "temporal.example.com:7233", "TEMPORAL_TLS": "false"},
		"API key, no TLS": {"TEMPORAL_ADDRESS": "temporal.example.com:7233", "TEMPORAL_TLS": "false", "TEMPORAL_API_KEY": "s3cret"},
		"profile":         {"TEMPORAL_CONFIG_FILE": file, "TEMPORAL_PROFILE": "clear"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range env {
				t.Setenv(k, v)
			}
			refused(t, []string{"setup"}, "not encrypted", "TEMPORAL_TLS=true")
			refused(t, starterArgs(t), "not encrypted")
			refused(t, workerArgs(t), "not encrypted")
		})
	}
}

// security 41: a machine in the middle would get the API key, and write to the namespace.
func TestTemporalMustProveWhoItIs(t *testing.T) {
	t.Setenv("TEMPORAL_TLS", "true")
	t.Setenv("TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "true")
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	refused(t, []string{"setup"}, "not verified", "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION")
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:7233")
	if _, err := here(t).temporalOptions(); err != nil {
		t.Errorf("on loopback: %v", err)
	}
}

func TestTemporalSettingsThatAreWrong(t *testing.T) {
	t.Setenv("TEMPORAL_PROFILE", "none")
	refused(t, []string{"setup"}, "TEMPORAL_*", "none")
	t.Setenv("TEMPORAL_PROFILE", "")
	t.Setenv("TEMPORAL_TLS_SERVER_CA_CERT_PATH", filepath.Join(t.TempDir(), "none.pem"))
	refused(t, []string{"setup"}, "TEMPORAL_*", "none.pem")
}

func TestTemporalAway(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	for _, args := range [][]string{{"setup"}, starterArgs(t), workerArgs(t)} {
		refused(t, args, "connect to Temporal at 127.0.0.1:1", "connection refused", "check TEMPORAL_ADDRESS")
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	none := &kong.Context{}
	if err := explain(none, serviceerror.NewNamespaceNotFound("accounts")); !strings.Contains(err.Error(), "TEMPORAL_NAMESPACE") {
		t.Error(err)
	}
	if err := errors.New("another"); explain(none, err) != err || explain(none, nil) != nil { //nolint:errorlint // the same one
		t.Error(explain(none, err), explain(none, nil))
	}
}

// here is a process with default flags.
func here(t *testing.T) *process {
	t.Helper()
	return &process{ctx: t.Context(), compression: "auto"}
}

// Requests to a Temporal nearby are not compressed, unless the operator wants it.
func TestCompression(t *testing.T) {
	for address, near := range map[string]bool{
		"127.0.0.1:7233": true, "localhost:7233": true, "[::1]:7233": true, "[::ffff:127.0.0.1]:7233": true, "unix:/run/temporal.sock": true,
		"10.1.2.3:7233": true, "172.16.0.9:7233": true, "192.168.1.1:7233": true, "[fd00::7]:7233": true, "169.254.1.1:7233": true,
		"dns:///10.1.2.3:7233": true, "passthrough:///10.1.2.3:7233": true,
		"203.0.113.7:7233": false, "172.32.0.1:7233": false, "[2001:db8::7]:7233": false, "dns:///203.0.113.7:7233": false, "temporal.invalid:7233": false,
	} {
		for flag, compressed := range map[string]bool{"auto": !near, "on": true, "off": false} {
			t.Setenv("TEMPORAL_ADDRESS", address)
			t.Setenv("TEMPORAL_TLS", "true")
			p := here(t)
			p.compression = flag
			o, err := p.temporalOptions()
			if err != nil {
				t.Fatal(err)
			}
			if _, off := o.ConnectionOptions.GrpcCompression.(*client.GrpcCompressionNone); off == compressed {
				t.Errorf("%s, %s: compressed %t", address, flag, !off)
			}
		}
	}
	refused(t, []string{"setup", "--temporal-compression", "gzip"}, "--temporal-compression", "want one of auto, on, off")
}
