package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
)

// flags are all flags of all commands.
func flags(t *testing.T) []*kong.Flag {
	t.Helper()
	parser, err := newParser(&cli{}, One(Embedded{}))
	if err != nil {
		t.Fatal(err)
	}
	var all []*kong.Flag
	err = kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok && f.Name != "help" {
			all = append(all, f)
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found %d flags only", len(all))
	}
	return all
}

func TestFlagsHaveVariablesAndHelp(t *testing.T) {
	t.Parallel()
	meaning := map[string]string{} // of a variable: the flag that two commands share it for
	for _, f := range flags(t) {
		if len(f.Envs) != 1 || !strings.HasPrefix(f.Envs[0], "REKEY_") {
			t.Fatalf("--%s: variables %v, want one REKEY_...", f.Name, f.Envs)
		}
		if !strings.HasSuffix(f.Help, ".") {
			t.Errorf("--%s: help %q, want a sentence", f.Name, f.Help)
		}
		if before, ok := meaning[f.Envs[0]]; ok && before != f.Name {
			t.Errorf("$%s is --%s and --%s", f.Envs[0], before, f.Name)
		}
		meaning[f.Envs[0]] = f.Name
	}
}

// Every user of the machine sees a command line.
func TestNoFlagTakesASecret(t *testing.T) {
	t.Parallel()
	secret := regexp.MustCompile(`(^|-)(secret|token|password|passphrase)$`)
	for _, f := range flags(t) {
		if secret.MatchString(f.Name) && !f.IsBool() {
			t.Errorf("--%s takes a secret", f.Name)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	if out := okay(t, "--help"); !strings.Contains(out, "TEMPORAL_ADDRESS") || !strings.Contains(out, "setup ") {
		t.Errorf("help:\n%s", out)
	}
	for _, command := range []string{"worker", "starter", "codec", "keys", "keys new", "keys list", "keys add", "keys promote", "keys retire", "setup", "replay", "migrate", "health", "find", "cancel", "resend", "stats", "version"} {
		if out := okay(t, append(strings.Fields(command), "--help")...); !strings.HasPrefix(out, "Usage: rekey "+command) {
			t.Errorf("help of %s:\n%s", command, out)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if out := okay(t, "version"); !regexp.MustCompile(`^rekey \S+ \(.+\)\n$`).MatchString(out) {
		t.Errorf("version: %q", out)
	}
}

func TestUsageErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	wrong(t, nil, `"worker", "starter", "codec", "keys", "setup"`, "`rekey --help`")
	wrong(t, []string{"wroker"}, "wroker", "`rekey --help`")
	wrong(t, []string{"starter", "--lisen", "x"}, "--lisen", "--listen", "`rekey starter --help`")
	wrong(t, []string{"keys"}, `"promote"`, "`rekey keys --help`")
	wrong(t, []string{"starter", "--link-life", "soon"}, "--link-life", "soon", "`rekey starter --help`")
	wrong(t, []string{"version", "--log-level", "loud"}, "--log-level", "debug", "`rekey version --help`")
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		want int
		args []string
	}{
		{0, []string{"version"}},
		{exitFailed, []string{"keys", "list", filepath.Join(t.TempDir(), "none")}},
		{exitUnchecked, []string{"wroker"}},
		{exitUnchecked, []string{"starter"}},
		{exitUnchecked, []string{"find", "--keys", t.TempDir(), "erin"}},
		{exitUnchecked, []string{"resend", "--keys", t.TempDir(), "--as", "a.smith", "erin"}},
		{exitUnchecked, []string{"cancel", "--keys", t.TempDir(), "--as", "a.smith", "erin"}},
		{exitFailed, []string{"resend", "--keys", t.TempDir(), "--as", "a.smith", "invitation/4f1c"}},
		{exitUnchecked, []string{"replay", "--keys", ""}}, // as Compose writes a variable that is missing
	} {
		if _, err := rekey(t, tc.args...); status(err) != tc.want {
			t.Errorf("rekey %v: status %d, want %d (%v)", tc.args, status(err), tc.want, err)
		}
	}
}

func TestMissingFlagsAreNamedWithTheirVariables(t *testing.T) {
	t.Parallel()
	refused(t, []string{"worker", "--product", "Harbor"},
		"set --keys ($REKEY_KEYS), --store ($REKEY_STORE), --base-url ($REKEY_BASE_URL), --support ($REKEY_SUPPORT), --from ($REKEY_FROM); see `rekey worker --help`")
	refused(t, []string{"starter"},
		"set --keys ($REKEY_KEYS), --base-url ($REKEY_BASE_URL), --login-url ($REKEY_LOGIN_URL), --product ($REKEY_PRODUCT), --support ($REKEY_SUPPORT); see `rekey starter --help`")
}

func TestEmptyVariableIsMissing(t *testing.T) {
	args := starterArgs(t)
	t.Setenv("REKEY_PRODUCT", "")
	for i, arg := range args {
		if arg == "--product" {
			args = append(args[:i], args[i+2:]...)
			break
		}
	}
	refused(t, args, "set --product ($REKEY_PRODUCT); see")
}

func TestVariablesAreRead(t *testing.T) {
	t.Setenv("REKEY_COOL_DOWN", "1ms")
	refused(t, starterArgs(t), "--cool-down ($REKEY_COOL_DOWN)", "not 1ms")
	t.Setenv("REKEY_COOL_DOWN", "later")
	refused(t, starterArgs(t), "--cool-down ($REKEY_COOL_DOWN)", "later")
}

func TestValuesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ flag, value, want string }{
		{"--link-life", "59s", "--link-life ($REKEY_LINK_LIFE): want 1m to 24h"},
		{"--link-life", "25h", "--link-life ($REKEY_LINK_LIFE): want 1m to 24h"},
		{"--cool-down", "0s", "--cool-down ($REKEY_COOL_DOWN): want 1s"},
		{"--min-length", "7", "--min-length ($REKEY_PASSWORD_MIN_LENGTH): want 8 to 64"},
		{"--min-length", "65", "--min-length ($REKEY_PASSWORD_MIN_LENGTH): want 8 to 64"},
		{"--client-limit", "-1", "--client-limit ($REKEY_CLIENT_LIMIT): want 0 or more"},
		{"--start-limit", "-1", "--start-limit ($REKEY_START_LIMIT): want 0 or more"},
		{"--hashes", "-1", "--hashes ($REKEY_HASHES): want 0 to 64"},
		{"--hashes", "65", "--hashes ($REKEY_HASHES): want 0 to 64"},
		{"--breached-fail", "closed", "--breached-fail ($REKEY_BREACHED_FAIL): closed needs --breached-url ($REKEY_BREACHED_URL)"},
		{"--breached-fail", "maybe", "--breached-fail"},
		{"--breached-url", "http://mirror.example.com/range", "--breached-url ($REKEY_BREACHED_URL): want a URL"},
		{"--hash", "md5", "--hash"},
		{"--normalize", "nfd", "--normalize"},
		{"--trusted-proxies", "10.0.0.1", "--trusted-proxies"},
		{"--login-url", "javascript:alert(1)", "--login-url ($REKEY_LOGIN_URL): want a URL"},
		{"--login-url", "//evil.example/login", "--login-url ($REKEY_LOGIN_URL): want a URL"},
		{"--change-password-url", "/account/password", "--change-password-url ($REKEY_CHANGE_PASSWORD_URL): want a URL of https"},
		{"--change-password-url", "http://app.example.com/password", "--change-password-url ($REKEY_CHANGE_PASSWORD_URL): want a URL of https"},
		{"--change-password-url", "javascript:alert(1)", "--change-password-url ($REKEY_CHANGE_PASSWORD_URL): want a URL of https"},
		{"--change-password-url", "https://user:secret@app.example.com/password", "--change-password-url ($REKEY_CHANGE_PASSWORD_URL): want a URL without user name and password"},
		{"--idle-timeout", "0s", "--idle-timeout ($REKEY_IDLE_TIMEOUT): want 1s or more"},
		{"--base-url", "http://accounts.example.com", "--base-url ($REKEY_BASE_URL): must be https"},
	} {
		wrong(t, starterArgs(t, tc.flag+"="+tc.value), tc.want)
	}
	wrong(t, workerArgs(t, "--mail-limit=0"), "--mail-limit ($REKEY_MAIL_LIMIT): want 1 or more")
	wrong(t, workerArgs(t, "--max-link-life=25h"), "--max-link-life ($REKEY_MAX_LINK_LIFE): want 1m to 24h, not 25h")
	wrong(t, workerArgs(t, "--max-link-life=0s"), "--max-link-life ($REKEY_MAX_LINK_LIFE): want 1m to 24h, not 0s")
	wrong(t, workerArgs(t, "--audit-keep=24h"), "--audit-keep ($REKEY_AUDIT_KEEP): want 168h or more, or 0 for ever")
	wrong(t, workerArgs(t, "--base-url=http://accounts.example.com"), "--base-url ($REKEY_BASE_URL): must be https")
	wrong(t, workerArgs(t, "--smtp-security=maybe"), "--smtp-security", "starttls")
	wrong(t, workerArgs(t, "--smtp-host=mail.example.com"), "--smtp-security ($REKEY_SMTP_SECURITY)", "needs encryption")
	wrong(t, workerArgs(t, "--mail-rate=-1"), "--mail-rate ($REKEY_MAIL_RATE): want 0 or more, not -1")
	wrong(t, workerArgs(t, "--smtp-helo=two words"), "--smtp-helo ($REKEY_SMTP_HELO): name in the SMTP greeting")
	wrong(t, workerArgs(t, "--base-url=https://\u0301.example"), "--base-url ($REKEY_BASE_URL): base URL: the host is not a valid name")
	wrong(t, workerArgs(t, "--smtp-oauth-scope=send"), "--smtp-oauth-token-url ($REKEY_SMTP_OAUTH_TOKEN_URL): the other settings")
	lent := []string{"--smtp-oauth-token-url=https://login.example.com/token", "--smtp-oauth-client-id=rekey", "--smtp-oauth-secret-file=secret"}
	wrong(t, workerArgs(t, lent...), "needs --smtp-username ($REKEY_SMTP_USERNAME) and no password")
	lent = append(lent, "--smtp-username=no-reply@example.com")
	wrong(t, workerArgs(t, append(lent, "--smtp-password-file=password")...), "needs --smtp-username ($REKEY_SMTP_USERNAME) and no password")
	wrong(t, workerArgs(t, append(lent, "--smtp-oauth-client-id=")...), "needs --smtp-oauth-client-id ($REKEY_SMTP_OAUTH_CLIENT_ID)")
	wrong(t, workerArgs(t, lent[0], lent[1], lent[3]), "--smtp-oauth-secret-file ($REKEY_SMTP_OAUTH_SECRET_FILE) or")
	wrong(t, workerArgs(t, append(lent, "--smtp-oauth-token-url=http://login.example.com/token")...), "must be https")
	wrong(t, workerArgs(t, "--smtp-port=0"), "--smtp-port ($REKEY_SMTP_PORT): want 1 to 65535, not 0")
	wrong(t, workerArgs(t, "--smtp-port=65536"), "--smtp-port ($REKEY_SMTP_PORT): want 1 to 65535, not 65536")
	wrong(t, workerArgs(t, "--from=Harbor"), "--from ($REKEY_FROM): ", "want name@example.com")
	wrong(t, workerArgs(t, "--login-url=/login"), "--login-url ($REKEY_LOGIN_URL): want a URL")
	refused(t, workerArgs(t, "--templates="+filepath.Join(t.TempDir(), "none")), "--templates ($REKEY_TEMPLATES)", "none")
	refused(t, workerArgs(t, "--messages="+filepath.Join(t.TempDir(), "none")), "--messages ($REKEY_MESSAGES)", "none")
}

func TestLogIsJSON(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := (&cli{LogLevel: "info", LogFormat: "json"}).logger(&out)
	log.Debug().Msg("not this one")
	log.Info().Str("state", "open").Msg("a line")
	var line struct{ Level, Time, State, Message string }
	if err := json.Unmarshal([]byte(out.String()), &line); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if line.Level != "info" || line.Time == "" || line.State != "open" || line.Message != "a line" {
		t.Errorf("line: %+v", line)
	}
}

func TestConsoleLogIsForPeople(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := (&cli{LogLevel: "debug", LogFormat: "console"}).logger(&out)
	log.Debug().Msg("a line")
	if !strings.Contains(out.String(), "a line") || strings.Contains(out.String(), "{") {
		t.Errorf("log: %q", out.String())
	}
}

func TestReadSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	for _, tc := range [][2]string{
		{"s3cret", "s3cret"}, {"s3cret\n", "s3cret"}, {"s3cret\r\n", "s3cret"}, {" s3cret \n", " s3cret "}, {"two\nlines\n", "two\nlines"},
	} {
		content, want := tc[0], tc[1]
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readSecret(path); got != want || err != nil {
			t.Errorf("readSecret of %q = %q, %v", content, got, err)
		}
	}
	if got, err := readSecret(""); got != "" || err != nil {
		t.Errorf("readSecret without a file = %q, %v", got, err)
	}
	refused(t, workerArgs(t, "--smtp-password-file", filepath.Join(t.TempDir(), "none")),
		"--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE)", "no such file")
}

// A password without a user name would not be used. Compose gives an empty file to a mail server
// that wants neither.
func TestPasswordNeedsAName(t *testing.T) {
	t.Parallel()
	refused(t, workerArgs(t, "--smtp-password-file", secretFile(t, "s3cret")),
		"--smtp-password-file ($REKEY_SMTP_PASSWORD_FILE)", "needs --smtp-username ($REKEY_SMTP_USERNAME)")
	for _, m := range []mailFlags{{SMTPPassword: secretFile(t, "")}, {SMTPPassword: secretFile(t, "s3cret"), Username: "rekey"}} {
		m.From, m.Host, m.Port, m.Security = "no-reply@example.com", "mail.example.com", 587, "starttls"
		if _, err := m.mailer(link.MustParseBaseURL("https://accounts.example.com")); err != nil {
			t.Errorf("the name %q: %v", m.Username, err)
		}
	}
}

// A mail server is greeted with a full name: that of the base URL, unless another one is set.
func TestNameInTheGreeting(t *testing.T) {
	t.Parallel()
	for helo, want := range map[string]string{"": "EHLO accounts.example.com\r\n", "mail.example.org": "EHLO mail.example.org\r\n"} {
		server, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		greeting := make(chan string, 1)
		go func() {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			fmt.Fprint(conn, "220 smtp.example.com\r\n")
			line, _ := bufio.NewReader(conn).ReadString('\n')
			greeting <- line
		}()
		m := mailFlags{From: "no-reply@example.com", Host: "127.0.0.1", Port: server.Addr().(*net.TCPAddr).Port, Security: "none", Helo: helo}
		mailer, err := m.mailer(link.MustParseBaseURL("https://accounts.example.com/app"))
		if err != nil {
			t.Fatal(err)
		}
		if err := mailer.Check(t.Context()); err == nil {
			t.Error("a server that hangs up is well")
		}
		if got := <-greeting; got != want {
			t.Errorf("%q: %q, want %q", helo, got, want)
		}
		server.Close()
	}
}

// The site has the settings of the command line.
func TestSettingsOfTheSite(t *testing.T) {
	t.Parallel()
	var c cli
	parser, err := newParser(&c)
	if err != nil {
		t.Fatal(err)
	}
	site := func(more ...string) web.Config {
		if _, err := parser.Parse(starterArgs(t, more...)); err != nil {
			t.Fatal(err)
		}
		return c.Starter.handlerConfig(&process{log: zerolog.Nop()}, &operation{}, &starter.Client{}, look{})
	}
	if cfg := site(); cfg.NoHSTS || cfg.ChangePasswordURL != "" {
		t.Errorf("by default: %+v", cfg)
	}
	if cfg := site("--no-hsts", "--change-password-url=https://app.example.com/password"); !cfg.NoHSTS || cfg.ChangePasswordURL != "https://app.example.com/password" {
		t.Errorf("set: %+v", cfg)
	}
}

func TestSettingsOfMails(t *testing.T) {
	t.Parallel()
	var c cli
	parser, err := newParser(&c)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		more []string
		off  bool
	}{{nil, false}, {[]string{"--mail-origin"}, false}, {[]string{"--no-mail-origin"}, true}} {
		if _, err := parser.Parse(workerArgs(t, tc.more...)); err != nil {
			t.Fatal(err)
		}
		if got := c.Worker.config().NoMailOrigin; got != tc.off {
			t.Errorf("%q: no origin is %t", tc.more, got)
		}
	}
}

// An empty variable of a path names no file, and not the folder of the process. A Compose file
// sets unset variables so.
func TestEmptyPathIsNone(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	for _, name := range []string{"REKEY_SMTP_PASSWORD_FILE", "REKEY_SMTP_OAUTH_SECRET_FILE", "REKEY_SMTP_OAUTH_REFRESH_FILE", "REKEY_STORE_PASSWORD_FILE", "REKEY_TEMPLATES", "REKEY_MESSAGES"} {
		t.Setenv(name, "")
	}
	refused(t, workerArgs(t), "TEMPORAL_ADDRESS")
	t.Chdir(t.TempDir())
	keys := newKeys(t)
	if err := os.Rename(keys, "keys"); err != nil {
		t.Fatal(err)
	}
	refused(t, workerArgs(t, "--keys", "keys"), "TEMPORAL_ADDRESS")
}
