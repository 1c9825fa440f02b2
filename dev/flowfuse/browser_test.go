package flowfuse

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// tab is a page of FlowFuse in Chromium, used by the texts on it.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func browse(t *testing.T) *tab {
	t.Helper()
	path := suite.Program(t, "chromium", "chromium-browser", "google-chrome")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root otherwise
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // starts it for all actions, not for the first one alone
		t.Fatal(err)
	}
	return &tab{t, ctx}
}

func (b *tab) do(what string, action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, time.Minute)
	defer stop()
	if err := chromedp.Do(ctx, action); err != nil {
		b.t.Fatalf("%s: %v; the page says\n%s", what, err, b.text())
	}
}

// text is all that can be read on the page.
func (b *tab) text() string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *tab) visit(url string) { b.t.Helper(); b.do("open "+url, chromedp.Navigate(url)) }

// see waits until this can be read.
func (b *tab) see(text string) {
	b.t.Helper()
	b.do("wait for "+text, chromedp.WaitVisible(fmt.Sprintf("//body//*[text()[contains(., '%s')]]", text)))
	b.shot(text)
}

// click presses the button or link that says this, once it can be pressed.
func (b *tab) click(text string) {
	b.t.Helper()
	b.do("click "+text, chromedp.Click(fmt.Sprintf("//*[self::a or self::button[not(@disabled)]][normalize-space()='%s']", text)))
}

// field is the input with a label, which FlowFuse writes in one of two ways.
func field(label string) string {
	return fmt.Sprintf("//*[@label='%[1]s']/descendant-or-self::input | //label[normalize-space()='%[1]s']/following::input[1]", label)
}

func (b *tab) fill(label, text string) {
	b.t.Helper()
	b.do("fill in "+label, chromedp.SendKeys(field(label), text))
}

// signedIn is the name of the user whose session the browser has.
func (b *tab) signedIn() string {
	b.t.Helper()
	name, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`fetch("/api/v1/user").then(r => r.json()).then(u => u.username)`, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(err)
	}
	return name
}

// judged waits until FlowFuse has judged the new password. It loads its judge late, and judges
// what was typed before at the next key.
func (b *tab) judged() {
	b.t.Helper()
	process.Eventually(b.t, time.Minute, "the page judges the password", func() bool {
		b.do("type a letter and delete it", chromedp.SendKeys(field("New Password"), "x"+kb.Backspace))
		return !strings.Contains(b.text(), "at least 8 characters")
	})
}

var shots = flag.String("shots", "", "a folder to keep pictures of the pages in")

// shot keeps a picture, with -shots.
func (b *tab) shot(name string) {
	b.t.Helper()
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}
