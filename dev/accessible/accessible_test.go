// Package accessible judges every page and mail for users with no or little sight. It uses
// axe-core, Deque's judge of the Web Content Accessibility Guidelines 2.2.
package accessible

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// axe is axe-core 4.14.1, as npm has it. It is published under the MPL 2.0, in
// testdata/LICENSE, and is no part of rekey's programs.
//
//go:embed testdata/axe.min.js
var axe string

// judge returns axe's findings: rules of level A and AA and of good practice. A mail has no
// landmarks of its own, since a mail program shows it within its own.
const judge = `axe.run({
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	rules: document.querySelector("body > table") === null ? {} : {region: {enabled: false}, "landmark-one-main": {enabled: false}},
}).then(found => found.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.html)))`

// changed waits until the page has the width and the colours of a screen.
const changed = `new Promise(resolve => {
	const look = () => innerWidth === %d && matchMedia("(prefers-color-scheme: %s)").matches ? resolve(true) : setTimeout(look);
	look();
})`

const root = "../.."

// pages are the golden files: every page, mail and state that there is. A new one is judged as
// soon as it has its golden file.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"web/testdata/pages/*.html", "mail/testdata/*.html"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(files) < 2 {
			t.Fatalf("%s: %d files: %v", pattern, len(files), err)
		}
		all = append(all, files...)
	}
	return all
}

// site serves one text at every path but those of the files of the pages.
func site(t *testing.T, text *string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/account/static/", http.StripPrefix("/account/static/", http.FileServer(http.Dir(filepath.Join(root, "web/static")))))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(*text))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// open starts a headless Chromium.
func open(t *testing.T) context.Context {
	t.Helper()
	path := suite.Program(t, "chromium", "chromium-browser", "google-chrome")
	options := append([]chromedp.ExecAllocatorOption{chromedp.ExecPath(path)}, chromedp.DefaultExecAllocatorOptions[:]...)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root otherwise
	}
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	return ctx
}

// screens are the sizes at which a page is judged. 320 pixels are a page of 1280 at four times
// its size (WCAG 2.2, 1.4.10). It must not be scrolled sideways.
var screens = []struct {
	width  int64
	scheme string
}{{1280, "light"}, {1280, "dark"}, {320, "light"}, {320, "dark"}}

var cleanURL = regexp.MustCompile(`data-clean-url="([^"]*)"`)

// look opens a text in the browser and returns its faults on every screen.
func look(t *testing.T, ctx context.Context, text *string, url string) (found []string) { //nolint:revive // t before ctx, as everywhere in tests
	t.Helper()
	path := "/"
	if m := cleanURL.FindStringSubmatch(*text); m != nil {
		path = m[1] + "/TOKEN"
	}
	_, err := chromedp.Run(ctx, chromedp.Navigate(url+path))
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](axe+"; true"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range screens {
		if err := chromedp.Do(ctx, emulate(on.scheme), chromedp.EmulateViewport(on.width, 800)); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(changed, on.width, on.scheme), chromedp.EvalAwaitPromise)); err != nil {
			t.Fatal(err)
		}
		problems, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](judge, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
		if err != nil {
			t.Fatal(err)
		}
		if wide > on.width {
			problems = append(problems, fmt.Sprintf("it is %d pixels wide", wide))
		}
		for _, p := range problems {
			found = append(found, fmt.Sprintf("%d %s: %s", on.width, on.scheme, p))
		}
	}
	return found
}

func emulate(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

// Nobody is kept out by how a page or a mail is written.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	var text string
	ctx, url := open(t), site(t, &text)
	for _, file := range pages(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
		for _, problem := range look(t, ctx, &text, url) {
			t.Errorf("%s: %s", filepath.Base(file), problem)
		}
	}
}

// The judge finds the faults on each screen.
func TestJudgeFindsFaults(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(root, "web/testdata/pages/change.html"))
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ctx, url := open(t), site(t, &text)
	for _, broken := range []struct{ old, new, want string }{
		{` lang="en"`, "", "1280 light: html-has-lang"},
		{`<label for="password">New password</label>`, "", "320 dark: label"},
		{"<main>", `<main><p style="background: canvas; color: #777a">dim</p>`, "1280 light: color-contrast"},
		{"<main>", `<main><p style="background: #000; color: light-dark(#fff, #222)">dim</p>`, "1280 dark: color-contrast"},
		{"<main>", `<main><p style="width: 600px">wide</p>`, "320 light: it is "},
	} {
		text = strings.Replace(string(b), broken.old, broken.new, 1)
		if found := strings.Join(look(t, ctx, &text, url), "\n"); text == string(b) || !strings.Contains(found, broken.want) {
			t.Errorf("%s: found %s; want %s", broken.new, found, broken.want)
		}
	}
}
