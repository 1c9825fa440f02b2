// Package brand is the look of an application in pages and mails: a logo, two colours, a font, links
// in the footer, and the names of product and support by language. A folder has it.
package brand

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

// File is the file of a brand's folder that has everything but pictures and fonts.
const File = "brand.json"

// Brand is the look of an application. The zero Brand is that of rekey. A Brand is never changed,
// so it may be used concurrently.
type Brand struct {
	// Accent is the colour of buttons and links, Page that behind the card: #rrggbb in sRGB. Each
	// may be "", for that of rekey.
	Accent Color `json:"accent"`
	Page   Color `json:"page"`
	// Font is the value of font-family in CSS, of families that Fonts or the reader's system have.
	Font  string `json:"font"`
	Fonts []Font `json:"fonts"`
	// Logo is the name of a picture in the folder: PNG, JPEG or SVG. Mails have none in SVG.
	Logo   string `json:"logo"`
	Footer []Link `json:"footer"`
	// Product and Support are in the place of the settings of these names.
	Product Text `json:"product"`
	Support Text `json:"support"`

	files map[string][]byte
}

// Font is a font of a brand: a file in WOFF2.
type Font struct {
	Family string `json:"family"`
	Weight int    `json:"weight"` // 100 to 900; 0 is 400
	File   string `json:"file"`
}

// Link is a link in the footer, to an http or https URL.
type Link struct {
	Text Text   `json:"text"`
	URL  string `json:"url"`
}

// Text is a text by language (BCP 47). "" is the one for all others.
type Text map[string]string

// UnmarshalJSON reads a string, which is the text of all languages, or an object of languages.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = Text{"": one}
		return nil
	}
	var all map[string]string
	if err := json.Unmarshal(raw, &all); err != nil {
		return errors.New("want a text, or an object with a text for each language")
	}
	*t = all
	return nil
}

// In is the text in a language, such as pt-BR or else pt, or the one of all others, or "".
func (t Text) In(tag string) string {
	for tag != "" {
		if text, ok := t[tag]; ok {
			return text
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return t[""]
}

// maxFile bounds pictures and fonts in bytes: each mail has the logo in it.
const maxFile = 128 << 10

// types are the media types of the files of a brand by their extensions.
var types = map[string]string{".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml", ".woff2": "font/woff2"}

// Load reads a brand. An error names all its faults, with figures: unknown fields, files that are
// missing, too large or of another type, and colours that nobody can read (WCAG 2.2, 1.4.3).
func Load(dir string) (*Brand, error) {
	folder := os.DirFS(dir)
	raw, err := fs.ReadFile(folder, File)
	if err != nil {
		return nil, err
	}
	b := &Brand{files: map[string][]byte{}}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: it goes on after the object", File)
	}
	wrong := []error{b.Accent.check("accent"), b.Page.check("page"), b.checkTexts()}
	for _, f := range b.names() {
		wrong = append(wrong, b.read(folder, f))
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	if err := b.contrast(); err != nil {
		return nil, fmt.Errorf("%s: %w", File, err)
	}
	return b, nil
}

// names are those of the files.
func (b *Brand) names() (all []string) {
	if b.Logo != "" {
		all = append(all, b.Logo)
	}
	for _, f := range b.Fonts {
		all = append(all, f.File)
	}
	return all
}

// read reads a file, whose name stands in URLs.
func (b *Brand) read(folder fs.FS, name string) error {
	kind := types[path.Ext(name)]
	switch {
	case name != path.Base(name) || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "":
		return fmt.Errorf("%q: want the name of a file in the folder, of small letters, digits, dot and dash", name)
	case kind == "" || (kind == "font/woff2") != (name != b.Logo):
		return fmt.Errorf("%s: want .png, .jpg or .svg for the logo, and .woff2 for fonts", name)
	}
	content, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	is := http.DetectContentType(content)
	if kind == "image/svg+xml" {
		is = kind
	}
	switch {
	case len(content) > maxFile:
		return fmt.Errorf("%s has %d KiB, want %d at most", name, len(content)>>10, maxFile>>10)
	case is != kind:
		return fmt.Errorf("%s: its content is %s, want %s", name, is, kind)
	}
	b.files[name] = content
	return nil
}

// checkTexts judges all texts, links and families.
func (b *Brand) checkTexts() error {
	wrong := []error{b.Product.check(), b.Support.check(), b.checkFonts()}
	for i, l := range b.Footer {
		wrong = append(wrong, l.Text.check())
		if len(l.Text) == 0 {
			wrong = append(wrong, fmt.Errorf("footer %d: no text", i+1))
		}
		if u, err := url.Parse(l.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			wrong = append(wrong, fmt.Errorf("footer %d: want an absolute URL such as https://example.com/imprint", i+1))
		}
	}
	return errors.Join(wrong...)
}

func (t Text) check() error {
	for tag, text := range t {
		if _, err := language.Parse(tag); tag != "" && err != nil {
			return fmt.Errorf("%q is no language of BCP 47, such as de or pt-BR", tag)
		}
		if strings.TrimSpace(text) == "" {
			return fmt.Errorf("the text for %q is empty", tag)
		}
	}
	return nil
}

func (b *Brand) checkFonts() error {
	for _, f := range b.Fonts {
		if !isFamily(f.Family) || f.Weight != 0 && (f.Weight < 100 || f.Weight > 900) {
			return fmt.Errorf("font %q: want a family of letters, digits and spaces, and a weight of 100 to 900", f.Family)
		}
	}
	for family := range strings.SplitSeq(b.Font, ",") {
		if b.Font != "" && !isFamily(strings.Trim(strings.TrimSpace(family), `"`)) {
			return fmt.Errorf("font %q: want families of letters, digits and spaces, with commas between", b.Font)
		}
	}
	return nil
}

// isFamily reports whether a text can stand in CSS as a family.
func isFamily(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r != ' ' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// Asset is a file of a brand.
type Asset struct {
	Name, MediaType string
	Content         []byte // not to be changed
}

// Assets are the logo and the fonts, for the pages.
func (b *Brand) Assets() (all []Asset) {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(b.names()))) {
		all = append(all, b.asset(name))
	}
	return all
}

func (b *Brand) asset(name string) Asset { return Asset{name, types[path.Ext(name)], b.files[name]} }

// Picture is the logo of mails. It is false without one that mail programs show.
func (b *Brand) Picture() (Asset, bool) {
	if b.Logo == "" || path.Ext(b.Logo) == ".svg" {
		return Asset{}, false
	}
	return b.asset(b.Logo), true
}
