package mail_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	look "github.com/rekeyhq/rekey/brand"
	"github.com/rekeyhq/rekey/mail"
)

// Mails have the colours of the brand, its names and links in the reader's language, and its logo
// inside: nothing is loaded when they are opened.
func TestMailsInTheLookOfABrand(t *testing.T) {
	t.Parallel()
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewRGBA(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"logo.png": logo.Bytes(),
		look.File: []byte(`{"accent": "#7a1f5c", "page": "#faf5f0", "logo": "logo.png", "product": {"": "Harbor", "de": "Hafen"},
			"support": {"": "help@example.com", "de": "hilfe@example.com"},
			"footer": [{"text": {"": "Imprint", "de": "Impressum"}, "url": "https://example.com/imprint"}]}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := brand()
	var err error
	if b.Look, err = look.Load(dir); err != nil {
		t.Fatal(err)
	}
	templates, err := mail.Load("", b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.In("de").Reset("owner@example.net", "5f1c@example.com", mail.Reset{URL: resetURL, CancelURL: cancelURL})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"background:#7a1f5c", "color:#7a1f5c", "background:#faf5f0", `<img src="cid:logo" alt="Hafen"`, "hilfe@example.com",
		`<a class="quiet" href="https://example.com/imprint"`, ">Impressum</a>",
	} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("no %s in\n%s", want, m.HTML)
		}
	}
	if strings.Contains(m.HTML, "#1d4f91") || strings.Contains(m.HTML, "src=\"http") || !strings.Contains(m.Subject+m.Text, "Hafen") {
		t.Errorf("%s\n%s", m.Subject, m.HTML)
	}
	raw := delivered(t, m)
	for _, want := range []string{"multipart/related", "multipart/alternative", "Content-Id: <logo>", base64.StdEncoding.EncodeToString(logo.Bytes())[:40]} {
		if !strings.Contains(raw, want) {
			t.Errorf("no %s in\n%s", want, raw)
		}
	}
}
