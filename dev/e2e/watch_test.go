package e2e

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// watch notes faults that no page of rekey may have. These are requests to another origin, a
// token in a Referer, errors in the console, breaches of its content policy, and missing files.
// It is safe for concurrent use.
type watch struct {
	origins []string

	mu    sync.Mutex
	found []string
	sent  int // requests with POST
}

// security 12.
func (w *watch) event(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.want(w.allows(e.Request.URL), "a request to %s", e.Request.URL)
		w.count(e.Request.Method)
	case *network.EventRequestWillBeSentExtraInfo: // has the headers as they are sent
		referer := fmt.Sprint(e.Headers["Referer"])
		w.want(!resetLink.MatchString(referer) && !cancelLink.MatchString(referer), "a token in the Referer %s", referer)
	case *network.EventResponseReceived:
		w.want(e.Response.Status < 400 || e.Type == network.ResourceTypeDocument, "%d for %s", e.Response.Status, e.Response.URL)
	case *network.EventLoadingFailed:
		w.want(e.BlockedReason == "", "a file was blocked: %s", e.BlockedReason)
	case *runtime.EventConsoleAPICalled:
		w.want(e.Type != runtime.ConsoleAPICalledTypeError, "console error: %v", e.Args)
	case *runtime.EventExceptionThrown:
		// Scripts of the Temporal UI are another project's: when a page is left they may fail.
		w.want(strings.Contains(e.ExceptionDetails.URL, "/_app/immutable/"), "exception: %v", e.ExceptionDetails)
	case *log.EventEntryAdded:
		// That a document has a status of 4xx is noted here as a network error.
		w.want(e.Entry.Level != log.EntryLevelError || e.Entry.Source == log.EntrySourceNetwork, "console: %s", e.Entry.Text)
	}
}

func (w *watch) allows(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "data" || slices.Contains(w.origins, u.Scheme+"://"+u.Host))
}

func (w *watch) want(okay bool, format string, args ...any) {
	if okay {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

func (w *watch) count(method string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if method == "POST" {
		w.sent++
	}
}

// posts is how many forms were posted so far.
func (w *watch) posts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}

func (w *watch) problems() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.found)
}
