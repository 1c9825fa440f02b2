package cli

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Each message of a wrong setting names flag, variable and wanted value.
func TestMessagesSayWhatIsWanted(t *testing.T) {
	t.Parallel()
	const listen = "want HOST:PORT, such as 127.0.0.1:8080"
	const store = "--store ($REKEY_STORE): want a URL such as postgres://user@host:5432/database?sslmode=verify-full, or the path of a bbolt file"
	starter := map[string]string{
		"--listen=99999":                 "--listen ($REKEY_LISTEN): " + listen,
		"--listen=127.0.0.1:99999":       "--listen ($REKEY_LISTEN): " + listen,
		"--listen=http://127.0.0.1":      "--listen ($REKEY_LISTEN): " + listen,
		"--ops-listen=9090":              "--ops-listen ($REKEY_OPS_LISTEN): " + listen,
		"--link-life=30":                 "--link-life ($REKEY_LINK_LIFE): want a time with its unit, such as 30m, not \"30\"; see `rekey starter --help`",
		"--link-life=30 minutes":         "--link-life ($REKEY_LINK_LIFE): want a time with its unit, such as 30m, not \"30 minutes\"",
		"--hash=md5":                     "--hash ($REKEY_HASH): want one of argon2id, bcrypt, not \"md5\"",
		"--normalize=nfd":                "--normalize ($REKEY_NORMALIZE): want one of nfkc, none, not \"nfd\"",
		"--trusted-proxies=10.0.0.300/8": "--trusted-proxies ($REKEY_TRUSTED_PROXIES): want networks, such as 10.0.0.0/8,192.168.0.0/16, not \"10.0.0.300/8\"",
		"--trusted-proxies=10.0.0.1":     "--trusted-proxies ($REKEY_TRUSTED_PROXIES): want networks, such as 10.0.0.0/8",
		"--client-limit=many":            "--client-limit ($REKEY_CLIENT_LIMIT): want a whole number, such as 10, not \"many\"",
		"--hashes=1.5":                   "--hashes ($REKEY_HASHES): want a whole number, such as 10, not \"1.5\"",
		"--reset-password=maybe":         "--reset-password ($REKEY_RESET_PASSWORD): want true or false, not \"maybe\"",
		"--log-level=loud":               "--log-level ($REKEY_LOG_LEVEL): want one of debug, info, warn, error, not \"loud\"",
		"--support":                      "--support ($REKEY_SUPPORT): its value is missing: want a text (Support contact",
	}
	for flag, want := range starter {
		wrong(t, starterArgs(t, flag), want)
	}
	worker := map[string]string{
		"--mail-rate=fast":                 "--mail-rate ($REKEY_MAIL_RATE): want a number, such as 0.5, not \"fast\"",
		"--smtp-port=smtp":                 "--smtp-port ($REKEY_SMTP_PORT): want a whole number, such as 587, not \"smtp\"",
		"--smtp-security=ssl":              "--smtp-security ($REKEY_SMTP_SECURITY): want one of starttls, tls, none, not \"ssl\"",
		"--smtp-host=mail.example.com:587": "--smtp-host ($REKEY_SMTP_HOST): want a name or an IP address",
		"--smtp-host=smtp://mail":          "--smtp-host ($REKEY_SMTP_HOST): want a name or an IP address",
		"--audit-keep=400d":                "--audit-keep ($REKEY_AUDIT_KEEP): want a time with its unit, such as 9600h, not \"400d\"",
		"--ops-listen=:http":               "--ops-listen ($REKEY_OPS_LISTEN): " + listen,
		"--store=mysql://db/app":           store,
		"--store=sqlite:///accounts.db":    store,
		"--store=postgres:/app":            store,
		"--store=mongodb+srv://db":         store,
	}
	for flag, want := range worker {
		wrong(t, workerArgs(t, flag), want)
	}
	wrong(t, []string{"codec", "--keys", "k", "--ui-origin", "https://temporal.example.com", "--bearer-file", "b", "--listen", "8081"}, "--listen ($REKEY_CODEC_LISTEN): "+listen)
	wrong(t, []string{"audit", "--store", "mysql://db/app"}, store)
	wrong(t, []string{"forget", "--store", "mysql://db/app", "--as", "a.smith", "ann"}, store)
	wrong(t, []string{"migrate", "--store", "mysql://db/app"}, "--store ($REKEY_STORE): want a URL such as postgres://")
	wrong(t, []string{"migrate", "--store", "accounts.db"}, "--store ($REKEY_STORE): want a URL such as postgres://", "a bbolt file needs no migration")
	wrong(t, []string{"health", "127.0.0.1:9090/readyz"}, "want a URL such as http://127.0.0.1:9090/readyz")
	wrong(t, []string{"replay", "--keys", "k", "--since", "24"}, "--since ($REKEY_REPLAY_SINCE): want a time with its unit, such as 24h")
	wrong(t, []string{"replay", "--keys", "k", "--since", "-24h"}, "--since ($REKEY_REPLAY_SINCE): its value is missing: want a time with its unit, such as 24h")
	wrong(t, []string{"keys", "promote", "k", "link", "first"}, "<id>: want a whole number, such as 10, not \"first\"; see `rekey keys promote --help`")
	wrong(t, []string{"keys", "add", newKeys(t), "lnik"}, "\"lnik\": unknown keyset: want link, payload or submission")
}

// Every flag with a limited set of values gets a value that it refuses.
func TestEveryFlagNamesItsVariable(t *testing.T) {
	t.Parallel()
	parser, err := newParser(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, command := range parser.Model.Leaves(true) {
		for _, f := range command.Flags {
			if f.Name == "help" || f.Enum == "" && (f.Target.Kind() == reflect.String || f.Target.Type() == reflect.TypeFor[[]string]()) {
				continue
			}
			tried++
			args := slices.Concat(strings.Fields(command.FullPath())[1:], []string{"--" + f.Name + "=no/such"})
			_, err := rekey(t, args...)
			if err == nil || !strings.Contains(err.Error(), "--"+f.Name+" ($"+f.Envs[0]+"): want ") || !strings.Contains(err.Error(), `not "no/such"`) {
				t.Errorf("rekey %s: %v", strings.Join(args, " "), err)
			}
		}
	}
	if tried < 20 {
		t.Errorf("only %d flags were tried", tried)
	}
}

// Compose makes an empty variable of a missing one.
func TestVariableThatIsWrong(t *testing.T) {
	args := starterArgs(t)
	for value, want := range map[string]string{"": `not ""`, "30": `not "30"`} {
		t.Setenv("REKEY_LINK_LIFE", value)
		wrong(t, args, "--link-life ($REKEY_LINK_LIFE): want a time with its unit, such as 30m, "+want)
	}
}

// Two commands have a flag --listen. The error names the right variable.
func TestVariableOfTheRightCommand(t *testing.T) {
	t.Setenv("REKEY_CODEC_LISTEN", "8081")
	wrong(t, starterArgs(t, "--listen=8080"), "--listen ($REKEY_LISTEN)")
	t.Setenv("REKEY_REPLAY_SINCE", "yesterday")
	wrong(t, []string{"replay", "--keys", "k"}, "--since ($REKEY_REPLAY_SINCE): want a time")
}

func TestAddressOfTemporalThatIsNone(t *testing.T) {
	args := starterArgs(t)
	for _, address := range []string{"http://127.0.0.1:7233", "https://temporal.example.com:7233", "127.0.0.1", "temporal.example.com", "localhost:temporal", ":7233"} {
		t.Setenv("TEMPORAL_ADDRESS", address)
		wrong(t, []string{"setup"}, "TEMPORAL_ADDRESS (or address of its profile): want HOST:PORT, such as 127.0.0.1:7233", "without http://")
		wrong(t, args, "TEMPORAL_ADDRESS")
	}
}

// An error about missing keysets names the setting of the folder. The commands that work on
// keysets have it as an argument.
func TestKeysThatAreNone(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	none := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{
		starterArgs(t, "--keys", none), workerArgs(t, "--keys", none),
		{"replay", "--keys", none},
		{"resend", "--keys", none, "--as", "a.smith", "ann@example.com"},
		{"codec", "--keys", none, "--ui-origin", "https://temporal.example.com", "--bearer-file", secretFile(t, "s3cret")},
	} {
		refused(t, args, "--keys ($REKEY_KEYS): keyset ", none, "make keysets with `rekey keys new`")
	}
	if err := refused(t, []string{"keys", "add", none, "link"}, none); strings.Contains(err.Error(), "REKEY_KEYS") {
		t.Error(err)
	}
}

// An address that was typed once too often is in no error.
func TestArgumentTooMany(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"find", "--keys", "k", "ann@example.com", "bob@example.com"}, {"ann@example.com"}} {
		if _, err := rekey(t, args...); err == nil || strings.Contains(err.Error(), "@") || !strings.Contains(err.Error(), "one argument too many") {
			t.Errorf("%v", err)
		}
	}
	wrong(t, []string{"stats", "now"}, "unexpected argument now")
}

// The first commands that people try.
func TestHelpAndVersionAreWhatPeopleTry(t *testing.T) {
	t.Parallel()
	for tried, same := range map[string]string{"help": "--help", "help starter": "starter --help", "help keys new": "keys new --help", "--version": "version"} {
		if got, want := okay(t, strings.Fields(tried)...), okay(t, strings.Fields(same)...); got != want || got == "" {
			t.Errorf("rekey %s:\n%s\nrekey %s:\n%s", tried, got, same, want)
		}
	}
	wrong(t, []string{"help", "strater"}, "strater")
	wrong(t, []string{"starter", "--version"}, "unknown flag --version")
}

// Colors are for terminals: no file and no pipe gets them.
func TestColorsAreForTerminals(t *testing.T) {
	t.Parallel()
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var memory bytes.Buffer
	for _, w := range []io.Writer{file, writer, &memory} {
		log := (&cli{LogLevel: "info", LogFormat: "console"}).logger(w)
		log.Warn().Str("a", "b").Msg("a line")
	}
	writer.Close()
	piped, _ := io.ReadAll(reader)
	kept, _ := os.ReadFile(file.Name())
	for _, log := range []string{string(piped), string(kept), memory.String()} {
		if !strings.Contains(log, "a line") || strings.Contains(log, "\x1b") {
			t.Errorf("%q", log)
		}
	}
}

// A busy port is reported with its setting, after all earlier checks.
func TestPortThatIsBusy(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	refused(t, workerArgs(t, "--ops-listen", busy.Addr().String()), "--ops-listen ($REKEY_OPS_LISTEN)", "address already in use")
}
