package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// tab is a page in a browser of the test's own, used as a person uses it: things are found by
// the text on them. Invisible faults fail the test, see watch.
type tab struct {
	t   *testing.T
	ctx context.Context
	*watch
}

// browse opens a headless Chromium that may send requests to these origins, and no other.
func browse(t *testing.T, origins []string, options ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	all := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium(t)), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 {
		all = append(all, chromedp.NoSandbox) // Chromium refuses to run as root otherwise
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), append(all, options...)...)
	t.Cleanup(stop)
	w := &watch{origins: origins}
	t.Cleanup(func() {
		for _, problem := range w.problems() {
			t.Error(problem)
		}
	})
	return attach(ctx, t, w)
}

// withoutScripts is a browser that runs no JavaScript, in any tab.
var withoutScripts = chromedp.Flag("blink-settings", "scriptEnabled=false")

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	return suite.Program(t, "chromium", "chromium-browser", "google-chrome")
}

// attach opens a tab, or takes over the one that an option names.
func attach(ctx context.Context, t *testing.T, w *watch, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, _ = chromedp.NewContext(ctx, append(options, chromedp.WithListener(w.event))...)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // closing the browser closes its tabs
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return &tab{t, ctx, w}
}

// newTab is the tab that an action opens. It may have loaded before it is watched, and is
// loaded once more so that nothing goes unseen.
func (b *tab) newTab(action func()) *tab {
	b.t.Helper()
	id := b.newTarget("page", action)
	next := attach(b.ctx, b.t, b.watch, chromedp.WithTargetID(id))
	next.do("load the new tab", chromedp.Reload())
	return next
}

// frame is the frame that an action brings to the page, where it is one that Chromium
// isolates.
func (b *tab) frame(action func()) *tab {
	b.t.Helper()
	id := b.newTarget("iframe", action)
	return attach(b.ctx, b.t, b.watch, chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
}

func (b *tab) targets(kind string) []target.ID {
	b.t.Helper()
	infos, err := chromedp.Targets(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	var ids []target.ID
	for _, info := range infos {
		if info.Type == kind && info.URL != "" && info.URL != "about:blank" {
			ids = append(ids, info.TargetID)
		}
	}
	return ids
}

// newTarget is the one that an action brings. Where nothing happens, because the page moved
// under the pointer, it is tried again, as a person does.
func (b *tab) newTarget(kind string, action func()) target.ID {
	b.t.Helper()
	before := b.targets(kind)
	for range 3 {
		action()
		if id := b.waitForTarget(kind, before); id != "" {
			return id
		}
	}
	b.t.Fatalf("no new %s", kind)
	return ""
}

// waitForTarget waits a while for one that was not there before.
func (b *tab) waitForTarget(kind string, before []target.ID) target.ID {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience/6)
	defer stop()
	changes := make(chan struct{}, 1)
	err := chromedp.ListenBrowser(ctx, func(any) {
		select {
		case changes <- struct{}{}:
		default: // it is going to look anyway
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		for _, id := range b.targets(kind) {
			if !slices.Contains(before, id) {
				return id
			}
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return ""
		}
	}
}

// do does something with the page. Where the page is redrawn under the pointer it is done
// again, as a person does.
func (b *tab) do(what string, action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience/2)
	defer stop()
	err := chromedp.Do(ctx, action)
	for pageChanged(err) {
		err = chromedp.Do(ctx, action)
	}
	if err != nil {
		b.t.Fatalf("%s: %v; the page is %s\n%s", what, err, ask(b, chromedp.Location()), b.text())
	}
}

// pageChanged reports that another page was loaded in the middle of an action.
func pageChanged(err error) bool {
	return err != nil && slices.ContainsFunc([]string{
		"Could not find node", "Inspected target navigated", "Not attached to an active page",
	}, func(text string) bool { return strings.Contains(err.Error(), text) })
}

// ask is a query of the page.
func ask[T any](b *tab, question chromedp.Action[T]) T {
	b.t.Helper()
	ctx, stop := context.WithTimeout(b.ctx, patience/2)
	defer stop()
	answer, err := chromedp.Run(ctx, question)
	for pageChanged(err) {
		answer, err = chromedp.Run(ctx, question)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return answer
}

// text is all that can be read on the page.
func (b *tab) text() string { b.t.Helper(); return ask(b, chromedp.Text(chromedp.CSS("body"))) }

func (b *tab) visit(url string) { b.t.Helper(); b.do("open "+url, chromedp.Navigate(url)) }

// heading waits for the page with this heading.
func (b *tab) heading(text string) {
	b.t.Helper()
	b.do("wait for the page "+text, chromedp.WaitVisible(fmt.Sprintf("//h1[normalize-space()='%s']", text)))
}

// see waits until this can be read.
func (b *tab) see(text string) {
	b.t.Helper()
	b.do("wait for "+text, chromedp.WaitVisible(fmt.Sprintf("//body//*[text()[contains(., '%s')]]", text)))
}

// click presses the link, button or checkbox that says this.
func (b *tab) click(text string) {
	b.t.Helper()
	b.do("click "+text, chromedp.Click(fmt.Sprintf("//*[self::a or self::button or self::label][normalize-space()='%s']", text)))
}

// field is the input that belongs to a label.
func field(label string) string {
	return fmt.Sprintf("//input[@id=//label[normalize-space()='%s']/@for]", label)
}

func (b *tab) fill(label, text string) {
	b.t.Helper()
	b.do("fill in "+label, chromedp.SendKeys(field(label), text))
}

// cookies are the names of all cookies that the browser holds.
func (b *tab) cookies() string {
	b.t.Helper()
	found, err := chromedp.CallBrowser(b.ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range found.Cookies {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}
