package brand

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Color is a colour in sRGB, as #rrggbb. "" is that of rekey.
type Color string

// Colours of rekey, as in web/static/rekey.css. The text is in the same colours with each brand.
const (
	accent, page, card, text, soft Color = "#1d4f91", "#f3f5f9", "#ffffff", "#131a26", "#515c6e"
	darkCard, darkAccent           Color = "#161c26", "#8ab0ff"
	white, black                   Color = "#ffffff", "#0b1530"
)

// enough is the least contrast of text (WCAG 2.2, 1.4.3).
const enough = 4.5

func (c Color) or(other Color) Color {
	if c == "" {
		return other
	}
	return c
}

func (c Color) check(name string) error {
	if c == "" {
		return nil
	}
	if _, err := strconv.ParseUint(strings.TrimPrefix(string(c), "#"), 16, 24); err != nil || len(c) != 7 || c[0] != '#' {
		return fmt.Errorf("%s: want a colour such as #1d4f91, not %q", name, string(c))
	}
	return nil
}

// rgb are the parts, 0 to 1.
func (c Color) rgb() (parts [3]float64) {
	n, _ := strconv.ParseUint(strings.TrimPrefix(string(c), "#"), 16, 24) // checked
	for i := range parts {
		parts[i] = float64(n>>(16-8*i)&255) / 255
	}
	return parts
}

// luminance is the relative luminance of WCAG 2.2.
func (c Color) luminance() float64 {
	sum := 0.0
	for i, part := range c.rgb() {
		linear := part / 12.92
		if part > 0.04045 {
			linear = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += linear * [3]float64{0.2126, 0.7152, 0.0722}[i]
	}
	return sum
}

// Contrast is the contrast ratio of two colours, 1 to 21 (WCAG 2.2).
func Contrast(a, b Color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// toward mixes a colour with a part of another one.
func (c Color) toward(other Color, part float64) Color {
	from, to := c.rgb(), other.rgb()
	var mixed [3]int
	for i := range from {
		mixed[i] = int(math.Round(255 * (from[i] + (to[i]-from[i])*part)))
	}
	return Color(fmt.Sprintf("#%02x%02x%02x", mixed[0], mixed[1], mixed[2]))
}

// on is the colour of a text on c: white or nearly black.
func (c Color) on() Color {
	if Contrast(c, white) >= Contrast(c, black) {
		return white
	}
	return black
}

// contrast refuses colours in which a text cannot be read.
func (b *Brand) contrast() error {
	a, p := b.Accent.or(accent), b.Page.or(page)
	for _, pair := range []struct {
		name, with string
		x, y       Color
	}{
		{"accent", "the card", a, card},
		{"accent", "page", a, p},
		{"the text", "page", text, p},
		{"the footer", "page", soft, p},
		{"the text of a button", "accent", a.on(), a},
	} {
		if got := Contrast(pair.x, pair.y); got < enough {
			return fmt.Errorf("%s (%s) on %s (%s) has a contrast of %.2f:1, want %.1f:1 at least", pair.name, pair.x, pair.with, pair.y, got, enough)
		}
	}
	return nil
}

// Colors are the colours of pages and mails, derived from the two of a brand.
type Colors struct {
	Accent, On, Hover, Page Color // in light
	DarkAccent, DarkOn      Color // in dark: the accent as light as its text needs
}

// Colors derives the colours.
func (b *Brand) Colors() Colors {
	c := Colors{Accent: b.Accent.or(accent), Page: b.Page.or(page)}
	c.On, c.Hover = c.Accent.on(), c.Accent.toward(black, 0.2)
	c.DarkAccent = c.Accent
	if b.Accent == "" {
		c.DarkAccent = darkAccent
	}
	for part := 0.0; Contrast(c.DarkAccent, darkCard) < 7; part += 0.05 {
		c.DarkAccent = c.Accent.toward(white, part)
	}
	c.DarkOn = c.DarkAccent.on()
	return c
}

// CSS are the rules that change rekey's own style sheet.
func (b *Brand) CSS() string {
	var css strings.Builder
	for _, f := range b.Fonts {
		weight := f.Weight
		if weight == 0 {
			weight = 400
		}
		fmt.Fprintf(&css, "@font-face { font-family: \"%s\"; font-weight: %d; font-display: swap; src: url(\"%s\") format(\"woff2\"); }\n", f.Family, weight, f.File)
	}
	if b.Accent != "" || b.Page != "" {
		c := b.Colors()
		fmt.Fprintf(&css, ":root { --accent: %s; --accent-on: %s; --accent-hover: %s; --page: %s; }\n", c.Accent, c.On, c.Hover, c.Page)
		fmt.Fprintf(&css, "@media (prefers-color-scheme: dark) { :root { --accent: %s; --accent-on: %s; --accent-hover: %s; --page: #0d1117; } }\n",
			c.DarkAccent, c.DarkOn, c.DarkAccent.toward(white, 0.2))
	}
	if b.Font != "" {
		fmt.Fprintf(&css, "body { font-family: %s; }\n", b.Font)
	}
	return css.String()
}
