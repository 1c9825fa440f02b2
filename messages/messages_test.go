package messages

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func builtInFiles(t *testing.T) map[string]catalogueFile {
	t.Helper()
	all, err := read(builtIn)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every file has each key of English, its placeholders and the plural forms of its language.
func TestFilesAreComplete(t *testing.T) {
	t.Parallel()
	all := builtInFiles(t)
	english := all["en"]
	for tag, f := range all {
		if f.name != tag+".toml" {
			t.Errorf("%s: want the tag as it is written, %s", f.name, tag)
		}
		if err := f.judge(english); err != nil {
			t.Error(err)
		}
		for key := range english.messages {
			if f.messages[key] == nil {
				t.Errorf("%s: %s: missing", f.name, key)
			}
		}
	}
}

// Lines are sorted within their table, so that files can be compared line by line. Texts are
// plain.
func TestFilesAreSorted(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`^([a-z0-9.-]+) = ".+"$`)
	for _, f := range builtInFiles(t) {
		content, err := builtIn.ReadFile(f.name)
		if err != nil {
			t.Fatal(err)
		}
		for table := range bytes.SplitSeq(content, []byte("\n\n")) {
			var keys []string
			for text := range strings.Lines(string(table)) {
				if text = strings.TrimSpace(text); strings.HasPrefix(text, "[") {
					continue
				}
				found := line.FindStringSubmatch(text)
				if found == nil || strings.ContainsAny(text, "<>&") {
					t.Errorf("%s: want key = \"plain text\": %s", f.name, text)
					continue
				}
				keys = append(keys, found[1])
			}
			if !slices.IsSorted(keys) {
				t.Errorf("%s: not sorted:\n%s", f.name, table)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	c := BuiltIn()
	for preferences, want := range map[string]string{
		"": "en", "de": "de", "de-AT": "de", "de-CH,fr;q=0.1": "de", "en-GB,de": "en", "sw, de;q=0.5": "de", "*": "en", "tlh": "en",
		"fr;q=0.2, de;q=0.9": "de", "DE": "de", "de_DE": "de", "zh-CN": "zh-Hans", "zh": "zh-Hans", "x x": "en", "de;q=banana": "en",
		"ca|de": "de", "de|en": "de", "x x|de": "de",
		strings.Repeat("tlh,", 64) + "de": "en", // 258 bytes
		strings.Repeat("a-", 63) + "x":    "en",
	} {
		if got := c.Match(strings.Split(preferences, "|")...).Tag(); got != want {
			t.Errorf("%q: %s, want %s", preferences, got, want)
		}
	}
	for _, l := range c.Languages() {
		if got := c.Match(l.Tag()).Tag(); got != l.Tag() {
			t.Errorf("%s: got %s", l.Tag(), got)
		}
		if want := map[bool]string{true: "rtl", false: "ltr"}[l.Tag() == "ar"]; l.Dir() != want {
			t.Errorf("%s: %s", l.Tag(), l.Dir())
		}
	}
}

// Marks of Chinese and Japanese bring their own space, and the French colon has one before it.
func TestGapAndLabel(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{"en": "OK: ", "fr": "OK\u00a0: ", "ja": "OK：", "zh-Hans": "OK：", "ar": "OK: "} {
		l := BuiltIn().Match(tag)
		if got := l.Label("OK") + l.Gap(); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"", "de", "de-AT,de;q=0.9,*;q=0.1", "zh-Hant-TW", "x-y-z", ";q=", "\x00", "i-klingon", "en-u-nu-thai"} {
		f.Add(s)
	}
	c := BuiltIn()
	f.Fuzz(func(t *testing.T, header string) {
		got := c.Match(header)
		if !slices.Contains(c.Languages(), got) || len(header) > maxPreference && got.Tag() != "en" {
			t.Errorf("%q: %s", header, got.Tag())
		}
	})
}

func TestLife(t *testing.T) {
	t.Parallel()
	c := BuiltIn()
	for life, want := range map[time.Duration]string{
		30 * time.Minute: "30 minutes", time.Minute: "1 minute", time.Hour: "1 hour", 24 * time.Hour: "24 hours", 90 * time.Second: "90 seconds",
		72 * time.Hour: "3 days", 48*time.Hour - time.Second: "47 hours", 2*time.Hour - time.Second: "119 minutes",
	} {
		if got := c.Match("en").Life(life); got != want {
			t.Errorf("%v: %q, want %q", life, got, want)
		}
	}
	// Each language has a text for every number, with its own placeholders filled in.
	for _, l := range c.Languages() {
		for n := range 201 {
			for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour} {
				if got := l.Life(time.Duration(n) * unit); strings.Contains(got, "{{") || strings.Contains(got, "no value") || got == "" {
					t.Errorf("%s: %d times %v: %q", l.Tag(), n, unit, got)
				}
			}
		}
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 14, 16, 9, 26, 0, time.FixedZone("", 3600))
	for tag, want := range map[string]string{"en": "14 March 2026 at 15:09 UTC", "de": "14. März 2026 um 15:09 Uhr UTC", "ja": "2026年3月14日 15:09（UTC）"} {
		if got := BuiltIn().Match(tag).Date(at); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	de := BuiltIn().Match("de")
	for sentence, want := range map[string]string{
		"The password is too short.":            de.Text("password.too-short"),
		"Use at least 15 characters.":           de.Text("password.at-least", "Count", 15),
		"Avoid sequences such as abc or 6543.":  de.Text("password.sequences"),
		"A sentence of the host, 12 of them.":   "A sentence of the host, 12 of them.",
		"Use at least 1,024 characters.":        de.Text("password.at-least", "Count", 1024),
		"The password is not one of this list.": "The password is not one of this list.",
	} {
		if got := de.Translate(sentence); got != want || strings.HasPrefix(got, "password.") {
			t.Errorf("%q: %q, want %q", sentence, got, want)
		}
	}
}

func TestLoadFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"de.toml": "[mail]\nhello = \"Moin,\"\n",
		"sv.toml": "[mail]\nhello = \"Hej,\"\n",
		"..data":  "what Kubernetes leaves beside a mounted file",
	})
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{"de": "Moin,", "sv-SE": "Hej,", "en": "Hello,"} {
		if got := c.Match(tag).Text("mail.hello"); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	if got := c.Match("sv").Life(time.Hour); got != "1 hour" {
		t.Errorf("a text that sv.toml lacks: %q", got)
	}
	if got := BuiltIn().Match("de").Text("mail.hello"); got == "Moin," {
		t.Error("a folder changed the built-in texts")
	}
	if got := c.Match("de").Text("no.such-key"); got != "no.such-key" {
		t.Errorf("unknown key: %q", got)
	}
}

// Each error names the file and the key.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, content, want string }{
		"unknown key":         {"sv.toml", "[mail]\nhallo = \"Hej\"\n", "sv.toml: mail.hallo: unknown key"},
		"other placeholder":   {"de.toml", "[mail]\nlife = \"Gültig: {{.Live}}\"\n", "de.toml: mail.life: placeholders"},
		"missing placeholder": {"de.toml", "[mail]\nlife = \"Gültig.\"\n", "de.toml: mail.life: placeholders"},
		"call of a function":  {"de.toml", "[mail]\nlife = \"{{.Life}} {{printf .Life}}\"\n", "de.toml: mail.life: placeholders"},
		"half a placeholder":  {"de.toml", "[mail]\nlife = \"{{.Life}} {{\"\n", "de.toml: mail.life: placeholders"},
		"no plural form":      {"ru.toml", "[dates]\ndays.one = \"{{.Count}} день\"\ndays.other = \"{{.Count}} дня\"\n", "ru.toml: dates.days: missing plural form \"few\""},
		"useless plural form": {"de.toml", "[dates]\ndays.few = \"{{.Count}}\"\ndays.one = \"{{.Count}}\"\ndays.other = \"{{.Count}}\"\n", "de.toml: dates.days: plural form \"few\""},
		"plural without need": {"de.toml", "[mail]\nhello.one = \"Tag\"\nhello.other = \"Tag\"\n", "de.toml: mail.hello: plural form \"one\""},
		"bad tag":             {"german!.toml", "", "german!.toml: "},
		"no catalogue":        {"de.json", "{}", "de.json: "},
		"broken file":         {"de.toml", "[mail", "de.toml: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Load(folder(t, map[string]string{tc.file: tc.content})); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("loaded a folder that does not exist")
	}
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name := range maps.Keys(files) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
