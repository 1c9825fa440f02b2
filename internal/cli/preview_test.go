package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/messages"
)

// The preview has every page and mail in every language, in the look of the brand. A folder with
// other files is left alone.
func TestPreview(t *testing.T) {
	t.Parallel()
	brand, dir := t.TempDir(), filepath.Join(t.TempDir(), "preview")
	put(t, filepath.Join(brand, "brand.json"), `{"accent": "#7a1f5c", "footer": [{"text": {"": "Imprint", "de": "Impressum"}, "url": "https://example.com/imprint"}]}`)
	for range 2 { // it may be written again
		if out := okay(t, "preview", "--brand", brand, "--product", "Harbor", "--listen=", dir); !strings.Contains(out, "has all pages and mails") {
			t.Errorf("it says %s", out)
		}
	}
	for _, l := range messages.BuiltIn().Languages() {
		for _, name := range []string{"forgot", "reset-password", "reset-password-refused", "reset-expired", "invitation-cancel", "renewal-password", "mail-reset", "mail-forced"} {
			page, err := os.ReadFile(filepath.Join(dir, l.Tag(), name+".html"))
			if err != nil || !strings.Contains(string(page), `lang="`+l.Tag()+`"`) || !strings.Contains(string(page), "https://example.com/imprint") {
				t.Errorf("%s in %s: %v\n%s", name, l.Tag(), err, page)
			}
		}
	}
	german, err := os.ReadFile(filepath.Join(dir, "de", "reset-password.html"))
	if err != nil || !strings.Contains(string(german), "Impressum") {
		t.Errorf("no text in German: %v", err)
	}
	css, err := os.ReadFile(filepath.Join(dir, "account", "static", "rekey.css"))
	if err != nil || !strings.Contains(string(css), "--accent: #7a1f5c") {
		t.Errorf("no accent: %v", err)
	}
	put(t, filepath.Join(brand, "brand.json"), `{"accent": "#9db8d8"}`)
	refused(t, []string{"preview", "--brand", brand, "--listen=", dir}, "--brand ($REKEY_BRAND)", "has a contrast of 2.04:1")
	other := t.TempDir()
	put(t, filepath.Join(other, "notes.txt"), "mine")
	refused(t, []string{"preview", "--listen=", other}, "has other files")
}

// A look that is wrong stops a process at its start, before it reaches Temporal.
func TestLookIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	brand := t.TempDir()
	put(t, filepath.Join(brand, "brand.json"), `{"page": "#4a4a4a"}`)
	refused(t, starterArgs(t, "--brand="+brand), "--brand ($REKEY_BRAND)", "want 4.5:1 at least")
	texts := t.TempDir()
	put(t, filepath.Join(texts, "de.toml"), "[page]\nno-such-key = \"x\"\n")
	refused(t, starterArgs(t, "--messages="+texts), "--messages ($REKEY_MESSAGES)")
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
