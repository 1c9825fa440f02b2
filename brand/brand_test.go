package brand

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes the folder of a brand.
func folder(t *testing.T, text string, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	files[File] = []byte(text)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func picture(t *testing.T) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, 8, 8))
	p.Set(1, 1, color.Black)
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var woff2 = []byte("wOF2\x00\x01\x00\x00 a font")

func TestLoad(t *testing.T) {
	t.Parallel()
	b, err := Load(folder(t, `{
		"accent": "#7a1f5c", "page": "#faf5f0", "font": "Inter, sans-serif", "logo": "logo.png",
		"fonts": [{"family": "Inter", "file": "inter.woff2"}, {"family": "Inter", "weight": 650, "file": "bold.woff2"}],
		"footer": [{"text": {"": "Imprint", "de": "Impressum"}, "url": "https://example.com/imprint"}],
		"product": "Harbor", "support": {"": "help@example.com", "de": "hilfe@example.com"}
	}`, map[string][]byte{"logo.png": picture(t), "inter.woff2": woff2, "bold.woff2": woff2}))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]string{"en": "help@example.com", "de": "hilfe@example.com", "de-CH": "hilfe@example.com", "und": "help@example.com"} {
		if got := b.Support.In(tag); got != want {
			t.Errorf("support in %s: %s", tag, got)
		}
	}
	if got := b.Product.In("de") + b.Footer[0].Text.In("de"); got != "HarborImpressum" {
		t.Error(got)
	}
	css := b.CSS()
	for _, want := range []string{
		`@font-face { font-family: "Inter"; font-weight: 650; font-display: swap; src: url("bold.woff2") format("woff2"); }`,
		"--accent: #7a1f5c; --accent-on: #ffffff;", "--page: #faf5f0", "body { font-family: Inter, sans-serif; }",
	} {
		if !strings.Contains(css, want) {
			t.Errorf("no %s in\n%s", want, css)
		}
	}
	if names := b.Assets(); len(names) != 3 || names[2].MediaType != "image/png" {
		t.Errorf("%+v", names)
	}
	if p, ok := b.Picture(); !ok || p.Name != "logo.png" {
		t.Errorf("logo of mails: %s, %t", p.Name, ok)
	}
	if (&Brand{}).CSS() != "" {
		t.Error("no brand has rules")
	}
}

// Each fault is named, with the figure where there is one.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"accent": "#9db8d8"}`:                            "accent (#9db8d8) on the card (#ffffff) has a contrast of 2.04:1, want 4.5:1 at least",
		`{"page": "#4a4a4a"}`:                              "on page (#4a4a4a) has a contrast of",
		`{"accent": "blue"}`:                               `accent: want a colour such as #1d4f91, not "blue"`,
		`{"accent": "#fff"}`:                               "want a colour",
		`{"accent": "#1d4f91; }"}`:                         "want a colour",
		`{"colour": "#1d4f91"}`:                            `unknown field "colour"`,
		`{} {}`:                                            "goes on after the object",
		`{"logo": "other.png"}`:                            "no such file",
		`{"logo": "../logo.png"}`:                          "want the name of a file",
		`{"logo": "Logo.png"}`:                             "want the name of a file",
		`{"logo": "logo.gif"}`:                             "want .png, .jpg or .svg",
		`{"logo": "text.png"}`:                             "its content is text/plain",
		`{"logo": "large.png"}`:                            "has 129 KiB, want 128 at most",
		`{"fonts": [{"family": "A", "file": "logo.png"}]}`: "want .png, .jpg or .svg for the logo, and .woff2 for fonts",
		`{"fonts": [{"family": "A\"; }", "file": "inter.woff2"}]}`:            "want a family",
		`{"fonts": [{"family": "A", "weight": 1000, "file": "inter.woff2"}]}`: "want a family",
		`{"font": "A; } body { display: none"}`:                               "want families",
		`{"footer": [{"text": "Imprint", "url": "javascript:alert(1)"}]}`:     "footer 1: want an absolute URL",
		`{"footer": [{"url": "https://example.com"}]}`:                        "footer 1: no text",
		`{"product": {"xx-invalid-zz-": "Harbor"}}`:                           "no language of BCP 47",
		`{"product": " "}`: "is empty",
		`{"product": 7}`:   "want a text, or an object",
	} {
		_, err := Load(folder(t, text, map[string][]byte{
			"logo.png": picture(t), "text.png": []byte("no picture"), "inter.woff2": woff2, "logo.gif": nil,
			"large.png": append(picture(t), make([]byte, 129<<10)...),
		}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), File) {
		t.Errorf("no file: %v", err)
	}
}

// The figures are those of WCAG 2.2: black on white is 21, and #767676 on white is 4.54.
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b Color
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#767676", 4.54}, {"#777777", "#ffffff", 4.48}, {"#123456", "#123456", 1}} {
		if got := Contrast(tc.a, tc.b); math.Abs(got-tc.want) > 0.005 {
			t.Errorf("%s on %s: %.3f, want %.2f", tc.a, tc.b, got, tc.want)
		}
	}
}

// Every accent that is readable in light has one for dark.
func TestColors(t *testing.T) {
	t.Parallel()
	for _, accent := range []Color{"", "#000000", "#7a1f5c", "#b00020", "#006644", "#0000ff"} {
		b := &Brand{Accent: accent}
		if err := b.contrast(); err != nil {
			t.Error(err)
		}
		c := b.Colors()
		for _, pair := range [][2]Color{{c.On, c.Accent}, {c.On, c.Hover}, {c.Accent, card}, {c.DarkOn, c.DarkAccent}, {c.DarkAccent, darkCard}} {
			if got := Contrast(pair[0], pair[1]); got < enough {
				t.Errorf("%s: %s on %s: %.2f", accent, pair[0], pair[1], got)
			}
		}
	}
}
