package accessible

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/messages"
)

// Pages and mails in each language, in the look of a brand and with a template that a folder
// replaces, keep nobody out, fit a screen of 320 pixels, and say their language. The files are those
// of `rekey preview`.
func TestLanguagesInTheLookOfABrand(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "preview")
	cmd := exec.CommandContext(t.Context(), "go", "run", "../../cmd/rekey", "preview",
		"--brand", "testdata/brand", "--pages", "testdata/pages", "--listen=", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var text string
	mux := http.NewServeMux()
	mux.Handle("/account/static/", http.FileServer(http.Dir(dir)))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(text))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	ctx := open(t)
	for _, l := range messages.BuiltIn().Languages() {
		for _, name := range []string{"forgot", "sent", "reset-password", "reset-password-refused", "reset-expired", "invitation-cancel", "mail-reset", "mail-forced"} {
			b, err := os.ReadFile(filepath.Join(dir, l.Tag(), name+".html"))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
			if !strings.Contains(text, `lang="`+l.Tag()+`"`) || !strings.Contains(text, "example.com/imprint") {
				t.Errorf("%s in %s has another language, or no brand", name, l.Tag())
			}
			for _, problem := range look(t, ctx, &text, server.URL) {
				t.Errorf("%s in %s: %s", name, l.Tag(), problem)
			}
		}
	}
}
