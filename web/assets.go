package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/rekeyhq/rekey/brand"
)

//go:embed openapi.yaml
var openAPI []byte

//go:embed static
var static embed.FS

// mediaTypes are fixed here. Package mime reads the tables of the operating system, which may
// differ, and browsers believe the answer (nosniff).
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset is a file of the pages, with its headers for a browser's cache.
type asset struct {
	content   []byte
	mediaType string
	etag      string
}

// loadAssets are the files of the pages, in the look of a brand.
func loadAssets(b *brand.Brand) (map[string]asset, error) {
	files, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, err
	}
	assets := map[string]asset{}
	for _, file := range files {
		content, err := static.ReadFile("static/" + file.Name())
		if err != nil {
			return nil, err
		}
		if file.Name() == "rekey.css" {
			content = append(content, b.CSS()...)
		}
		assets[file.Name()] = newAsset(content, mediaTypes[path.Ext(file.Name())])
	}
	for _, f := range b.Assets() {
		if _, taken := assets[f.Name]; taken {
			return nil, fmt.Errorf("brand: %s is the name of a file of the pages: choose another one", f.Name)
		}
		assets[f.Name] = newAsset(f.Content, f.MediaType)
	}
	return assets, nil
}

func newAsset(content []byte, mediaType string) asset {
	sum := sha256.Sum256(content)
	return asset{content, mediaType, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// static serves a file of the pages. A browser keeps the file and revalidates it, so that new
// pages never meet an old script.
func (h *handler) static(w http.ResponseWriter, r *http.Request) {
	a, ok := h.assets[r.PathValue("file")]
	if !ok {
		h.fail(w, r, errNotFound)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", a.mediaType)
	w.Header().Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}

// openAPI serves the description of all routes (media type of RFC 9512).
func (h *handler) openAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(openAPI))
}

// settings tells a sign-in page whether to show "Forgot your password?".
func (h *handler) settings(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]bool{"user:reset-password": h.enabled})
}
