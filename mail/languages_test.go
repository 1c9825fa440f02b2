package mail_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/messages"
)

// Each mail is written in each language, whole: with its links, its direction and no key, no
// placeholder and no English sentence in it.
func TestMailsOfEachLanguage(t *testing.T) {
	t.Parallel()
	english, key := mails(t), regexp.MustCompile(`mail\.[a-z]`)
	for _, l := range messages.BuiltIn().Languages() {
		for name, m := range mailsIn(t, l.Tag()) {
			if !strings.Contains(m.HTML, `<html lang="`+l.Tag()+`" dir="`+l.Dir()+`">`) {
				t.Errorf("%s, %s: lang and dir are not those of the language", l.Tag(), name)
			}
			for _, body := range []string{m.Subject, m.Text, m.HTML} {
				if key.MatchString(body) || strings.Contains(body, "{{") || strings.Contains(body, "no value") {
					t.Errorf("%s, %s: a text is missing:\n%s", l.Tag(), name, body)
				}
			}
			if l.Tag() != "en" && (m.Subject == english[name].Subject || m.Text == english[name].Text) {
				t.Errorf("%s, %s is in English", l.Tag(), name)
			}
		}
	}
}

// A mail that is read from right to left, one without blanks, and one that is not English.
func TestGoldenOfOtherLanguages(t *testing.T) {
	t.Parallel()
	for _, l := range messages.BuiltIn().Languages() {
		if l.Tag() != "de" && l.Tag() != "ja" && l.Dir() != "rtl" {
			continue
		}
		m := mailsIn(t, l.Tag())["reset"]
		golden.Check(t, "reset-"+l.Tag()+".txt", m.Text)
		golden.Check(t, "reset-"+l.Tag()+".html", m.HTML)
	}
}

// Lines of Chinese and Japanese fit the columns too, where a character has two. No line starts with
// a mark that closes, and no blank stands beside a mark that brings its own space.
func TestTextWithoutBlanksWraps(t *testing.T) {
	t.Parallel()
	const marks = "、。，：；？！）」』】”"
	for _, tag := range []string{"ja", "zh-Hans"} {
		for name, m := range mailsIn(t, tag) {
			for line := range strings.Lines(m.Text) {
				columns := 0
				for _, r := range strings.TrimSpace(line) {
					if columns++; r >= 0x2e80 {
						columns++
					}
				}
				if columns > 78 && !strings.HasPrefix(line, "https://") || strings.ContainsAny(string([]rune(line)[:1]), marks) {
					t.Errorf("%s, %s: %d columns: %s", tag, name, columns, line)
				}
			}
			for _, body := range []string{m.Text, m.HTML} {
				if found := regexp.MustCompile("[" + marks + "] .*|\\p{Han}:").FindString(body); found != "" {
					t.Errorf("%s, %s: %s", tag, name, found)
				}
			}
		}
	}
}

// A reason is broken between the characters of any script without blanks, before an opening mark
// and behind a closing one. Words of Korean stay whole, and have two columns a letter.
func TestReasonWithoutBlanks(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		strings.Repeat("字", 36):                      strings.Repeat("字", 36),
		strings.Repeat("字", 37):                      strings.Repeat("字", 36) + "\n字",
		strings.Repeat("字", 35) + "ＡＢ":               strings.Repeat("字", 35) + "Ａ\nＢ",
		strings.Repeat("字", 36) + "。後":               strings.Repeat("字", 35) + "\n字。後",
		strings.Repeat("字", 35) + "「後」":              strings.Repeat("字", 35) + "\n「後」",
		strings.Repeat("ア", 36) + "ーッ":               strings.Repeat("ア", 35) + "\nアーッ",
		strings.Repeat("字", 34) + "rekeyの後":          strings.Repeat("字", 34) + "\nrekeyの後",
		strings.Repeat("字", 30) + " rekey " + "後後後後": strings.Repeat("字", 30) + " rekey 後後\n後後",
		strings.Repeat("가", 34) + " " + "나다라":        strings.Repeat("가", 34) + "\n나다라",
		strings.Repeat("가나 ", 14) + "🚒🚒🚒":            strings.TrimSpace(strings.Repeat("가나 ", 14)) + "\n🚒🚒🚒",
	} {
		if m := forced(t, reason); !strings.Contains(m.Text, "\n\n"+want+"\n\n") {
			t.Errorf("want %q in %s", want, m.Text)
		}
	}
}

// No style in a mail fixes a side that is another one from right to left.
func TestStylesHaveNoSides(t *testing.T) {
	t.Parallel()
	for name, m := range mails(t) {
		for _, side := range []string{"left", "right"} {
			if i := strings.Index(m.HTML, side+":"); i >= 0 || strings.Contains(m.HTML, "align:"+side) {
				t.Errorf("%s: a style with %q", name, side)
			}
		}
	}
}

// The first locale that is served decides, and an unknown one gives English.
func TestIn(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	for want, locales := range map[string][]string{"de": {"", "de-AT"}, "en": {"x-unknown", ""}} {
		if got := templates.In(locales...).Language().Tag(); got != want {
			t.Errorf("%q: %s, want %s", locales, got, want)
		}
	}
	if got := templates.In("de").In("en").Language().Tag(); got != "en" {
		t.Errorf("English from German: %s", got)
	}
}

// A template of a host needs no texts of rekey; an unknown key fails at the start.
func TestReplacedTemplateSpeaks(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"changed.subject.txt": `{{t "mail.changed-title"}}!`})
	m, err := load(t, dir).In("de").Changed("owner@example.net", "1@example.com", mail.Changed{At: time.Unix(0, 0)})
	if err != nil || m.Subject != "Ihr Passwort wurde geändert!" {
		t.Errorf("%v, subject %q", err, m.Subject)
	}
	if _, err := mail.Load(folder(t, map[string]string{"changed.subject.txt": `{{t "mail.no-key"}}`}), brand()); err == nil {
		t.Error("an unknown key is taken")
	}
}

// A French line does not end before its colon: the narrow space in front of it is no place to break.
func TestNoBreakSpacesStay(t *testing.T) {
	t.Parallel()
	m := mailsIn(t, "fr")["reset"]
	if !strings.Contains(m.Text, "\u202f:") || strings.Contains(m.Text, "\n:") || strings.Contains(m.Text, " :\n") {
		t.Errorf("the text is\n%s", m.Text)
	}
}
