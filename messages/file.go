package messages

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// catalogueFile is the content of one file.
type catalogueFile struct {
	name     string
	tag      language.Tag
	messages map[string]*i18n.Message // by key
}

// read reads all files of a folder, by tag. Hidden files are left out: Kubernetes mounts those.
func read(folder fs.FS) (map[string]catalogueFile, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	all := map[string]catalogueFile{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		f, err := readFile(folder, e.Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		all[f.tag.String()] = f
	}
	return all, nil
}

func readFile(folder fs.FS, name string) (catalogueFile, error) {
	stem := strings.TrimSuffix(name, ".toml")
	tag, err := language.Parse(stem)
	if err != nil || path.Ext(name) != ".toml" {
		return catalogueFile{}, errors.New("the name of the file must be a language tag (BCP 47) and .toml, such as pt-BR.toml")
	}
	content, err := fs.ReadFile(folder, name)
	if err != nil {
		return catalogueFile{}, err
	}
	list, err := i18n.ParseMessageBytes(content, toml.Unmarshal)
	if err != nil {
		return catalogueFile{}, err
	}
	f := catalogueFile{name, tag, map[string]*i18n.Message{}}
	for _, m := range list {
		f.messages[m.ID] = m
	}
	return f, nil
}

// merge puts the files of a host over the built-in ones.
func merge(own, theirs map[string]catalogueFile) (map[string]catalogueFile, error) {
	all := maps.Clone(own)
	var wrong []error
	for _, tag := range tagsOf(theirs) {
		f := theirs[tag]
		wrong = append(wrong, f.judge(own["en"]))
		over := catalogueFile{f.name, f.tag, map[string]*i18n.Message{}}
		maps.Copy(over.messages, own[tag].messages)
		maps.Copy(over.messages, f.messages)
		all[tag] = over
	}
	return all, errors.Join(wrong...)
}

func tagsOf(all map[string]catalogueFile) []string { return slices.Sorted(maps.Keys(all)) }

// judge compares the messages with those of English and names all faults.
func (f catalogueFile) judge(english catalogueFile) error {
	var wrong []error
	needed := pluralForms(f.tag)
	for _, key := range slices.Sorted(maps.Keys(f.messages)) {
		model, ok := english.messages[key]
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s: %s: unknown key", f.name, key))
			continue
		}
		if err := judge(f.messages[key], model, needed); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %s: %w", f.name, key, err))
		}
	}
	return errors.Join(wrong...)
}

func judge(m, model *i18n.Message, needed []string) error {
	want, given := []string{"other"}, forms(m)
	if model.One != "" {
		want = needed
	}
	for _, form := range want {
		if given[form] == "" {
			return fmt.Errorf("missing plural form %q", form)
		}
	}
	for _, form := range slices.Sorted(maps.Keys(given)) {
		text := given[form]
		if text == "" {
			continue
		}
		if !slices.Contains(want, form) {
			return fmt.Errorf("plural form %q has no use here", form)
		}
		names, wantNames := placeholders(text), placeholders(model.Other)
		// "One hour" needs no number.
		if form == "zero" || form == "one" || form == "two" {
			names = without(names, "Count")
			wantNames = without(wantNames, "Count")
		}
		if !slices.Equal(names, wantNames) {
			return fmt.Errorf("placeholders %v, want %v", names, wantNames)
		}
	}
	return nil
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

func forms(m *i18n.Message) map[string]string {
	return map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other}
}

var placeholder = regexp.MustCompile(`\{\{(.*?)\}\}|\{\{|\}\}`)

// placeholders are the names in a text, sorted. A placeholder that is no name, such as a call of
// a function, is returned with its text and so differs from every name of English.
func placeholders(text string) []string {
	var names []string
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		if name := strings.TrimPrefix(found[1], "."); name != found[1] && !strings.ContainsAny(name, ". |()\"") {
			names = append(names, name)
		} else {
			names = append(names, found[0])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// pluralForms are the forms that a language has for numbers up to 200. Pages and mails have no
// larger number that needs a form of its own.
func pluralForms(tag language.Tag) []string {
	const key = "form"
	bundle := i18n.NewBundle(tag)
	bundle.MustAddMessages(tag, &i18n.Message{ID: key, Zero: "zero", One: "one", Two: "two", Few: "few", Many: "many", Other: "other"})
	localizer, found := i18n.NewLocalizer(bundle, tag.String()), map[string]bool{"other": true}
	for n := range 201 {
		if form, err := localizer.Localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n}); err == nil {
			found[form] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
