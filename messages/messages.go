// Package messages has the texts of pages and mails by language: one catalogue file a language, in
// the format of go-i18n, with the plural forms of CLDR.
//
// A text is plain: it has no HTML, and its placeholders are names such as {{.Product}}. All values
// are safe for concurrent use.
package messages

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.toml
var builtIn embed.FS

// maxPreference is the longest preference that [Catalogue.Match] reads, in bytes. Browsers send
// about 50.
const maxPreference = 256

// Catalogue is a set of languages. English is its first and its default.
type Catalogue struct {
	languages []Language
	matcher   language.Matcher
}

// Language has the texts of one language. It is made by a [Catalogue].
type Language struct{ t *texts }

type texts struct {
	tag       language.Tag
	fixed     map[string]string // texts without placeholders
	localizer *i18n.Localizer
	english   *texts // nil for English
}

var loadBuiltIn = sync.OnceValues(func() (map[string]catalogueFile, error) { return read(builtIn) })

// Load reads the built-in languages and, unless dir is "", the files of dir. A file such as
// sv.toml adds a language; a text that it lacks is shown in English. A file such as de.toml
// replaces single texts. Errors name the file and the key: an unknown key, a placeholder that
// differs from English, a missing plural form, and a name that is no tag of BCP 47.
func Load(dir string) (*Catalogue, error) {
	all, err := loadBuiltIn()
	if err != nil {
		return nil, err
	}
	if dir != "" {
		theirs, err := read(os.DirFS(dir))
		if err != nil {
			return nil, err
		}
		if all, err = merge(all, theirs); err != nil {
			return nil, err
		}
	}
	return newCatalogue(all)
}

// BuiltIn is the built-in languages.
func BuiltIn() *Catalogue {
	c, err := Load("")
	if err != nil {
		panic(err) // a test loads the same files
	}
	return c
}

func newCatalogue(all map[string]catalogueFile) (*Catalogue, error) {
	c := &Catalogue{}
	var tags []language.Tag
	var wrong error
	add := func(f catalogueFile, english *texts) {
		t, err := newTexts(f, english)
		wrong = errors.Join(wrong, err)
		c.languages, tags = append(c.languages, Language{t}), append(tags, f.tag)
	}
	add(all["en"], nil)
	for _, tag := range tagsOf(all) {
		if tag != "en" {
			add(all[tag], c.languages[0].t)
		}
	}
	c.matcher = language.NewMatcher(tags)
	return c, wrong
}

func newTexts(f catalogueFile, english *texts) (*texts, error) {
	bundle := i18n.NewBundle(f.tag)
	t := &texts{tag: f.tag, fixed: map[string]string{}, english: english}
	for key, m := range f.messages {
		if m.One == "" && !strings.Contains(m.Other, "{{") {
			t.fixed[key] = m.Other
			continue
		}
		if err := bundle.AddMessages(f.tag, m); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", f.name, key, err)
		}
	}
	t.localizer = i18n.NewLocalizer(bundle, f.tag.String())
	return t, nil
}

// Languages are all of them, English first.
func (c *Catalogue) Languages() []Language { return slices.Clone(c.languages) }

// Match finds the language for preferences, each a BCP 47 tag or the value of an Accept-Language
// header (RFC 9110 section 12.5.4). The first preference that any language serves decides; none
// gives English. A preference that is longer than 256 bytes or malformed is ignored, so the work
// is bounded.
func (c *Catalogue) Match(preferences ...string) Language {
	for _, p := range preferences {
		if p == "" || len(p) > maxPreference {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(p)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := c.matcher.Match(tags...); confidence > language.No {
			return c.languages[i]
		}
	}
	return c.languages[0]
}

// Tag is the language's tag, as in the lang attribute of HTML.
func (l Language) Tag() string { return l.t.tag.String() }

// Dir is the direction of the language's script, "ltr" or "rtl", as in the dir attribute of HTML.
func (l Language) Dir() string {
	script, _ := l.t.tag.Script()
	if slices.Contains([]string{"Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg"}, script.String()) {
		return "rtl"
	}
	return "ltr"
}

// Gap is what stands between two sentences: a blank, or nothing in Chinese and Japanese.
func (l Language) Gap() string {
	if l.fullWidth() {
		return ""
	}
	return " "
}

// Label is a text with the language's colon, for what follows on lines of its own.
func (l Language) Label(text string) string {
	base, _ := l.t.tag.Base()
	switch {
	case l.fullWidth():
		return text + "：" // U+FF1A
	case base.String() == "fr":
		return text + "\u00a0:"
	}
	return text + ":"
}

// fullWidth reports a script whose marks bring their own space.
func (l Language) fullWidth() bool {
	script, _ := l.t.tag.Script()
	return slices.Contains([]string{"Hans", "Hant", "Jpan"}, script.String())
}

// Text is the text of a key. The args are pairs of a placeholder's name and its value; Count
// selects the plural form. An unknown key is its own text.
func (l Language) Text(key string, args ...any) string {
	text, err := l.Lookup(key, args...)
	if err != nil {
		return key
	}
	return text
}

// Lookup is [Language.Text] for templates, where an unknown key is an error.
func (l Language) Lookup(key string, args ...any) (string, error) {
	if text, ok := l.t.fixed[key]; ok {
		return text, nil
	}
	config := &i18n.LocalizeConfig{MessageID: key}
	data := map[string]any{}
	for pair := range slices.Chunk(args, 2) {
		name, ok := pair[0].(string)
		if !ok || len(pair) != 2 {
			return "", fmt.Errorf("text %s: want pairs of a placeholder and its value", key)
		}
		data[name] = pair[1]
	}
	config.TemplateData, config.PluralCount = data, data["Count"]
	text, err := l.t.localizer.Localize(config)
	if err != nil { // a form that only numbers beyond pages and mails need
		config.PluralCount = nil
		text, err = l.t.localizer.Localize(config)
	}
	if err != nil && l.t.english != nil {
		return Language{l.t.english}.Lookup(key, args...)
	}
	return text, err
}

var number = regexp.MustCompile(`\d[\d,]*`)

// english finds the key of a sentence that code has too.
var english = sync.OnceValue(func() map[string]string {
	all, _ := loadBuiltIn() // whose error Load returned
	keys := map[string]string{}
	for key, m := range all["en"].messages {
		if strings.HasPrefix(key, "problem.") || strings.HasPrefix(key, "password.") {
			keys[m.Other] = key
		}
	}
	return keys
})

// Translate is for sentences that code writes in English, such as the reasons of a refused
// password. A sentence that the built-in English lacks stays as it is. A number in it may stand for the
// placeholder Count.
func (l Language) Translate(sentence string) string {
	if key, ok := english()[sentence]; ok {
		return l.Text(key)
	}
	digits := number.FindString(sentence)
	n, err := strconv.Atoi(strings.ReplaceAll(digits, ",", ""))
	key, ok := english()[strings.Replace(sentence, digits, "{{.Count}}", 1)]
	if err != nil || !ok {
		return sentence
	}
	return l.Text(key, "Count", n)
}
